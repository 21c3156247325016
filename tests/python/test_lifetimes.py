"""What nothing refers to any more goes at once when everything before it is complete, as in CPython."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import pytest
import xcs
from xcs import _core

from .conftest import Check, ask, log


class Thing:
    def itself(self) -> Thing:
        return self


def same(a: Any, b: Any) -> bool:
    return a is b


def compared() -> Any:
    thing = Thing()
    found = weakref.ref(thing)
    assert found() is thing
    assert same(found(), b=thing)
    del thing
    return found() is None


def displayed() -> Any:
    thing = Thing()
    found = weakref.ref(thing)
    len([thing, (thing, {"thing": thing.itself()})])
    text = f"{thing}"
    del thing
    return found() is None, len(text) > 0


def never_named() -> Any:
    return weakref.ref(Thing())() is None


def given_to_a_function() -> Any:
    def inner(thing: Thing) -> Any:
        return weakref.ref(thing)

    return inner(Thing())() is None


def overwritten() -> Any:
    holder, things, table = Thing(), [Thing(), Thing(), Thing()], {"a": Thing()}
    holder.held = Thing()  # type: ignore[attr-defined]
    found = [weakref.ref(things[1]), weakref.ref(table["a"]), weakref.ref(holder.held)]  # type: ignore[attr-defined]
    holder.held = things.pop()  # type: ignore[attr-defined]
    things[0] = holder
    del things[1], table["a"]
    return [f() is None for f in found]


def popped() -> Any:
    things = [Thing()]
    found = weakref.ref(things[0])
    things.pop()
    return found() is None


def called_back() -> Any:
    log: list[Any] = []
    thing = Thing()
    found = weakref.ref(thing, lambda _: log.append("gone"))
    log.append("before")
    thing = Thing()
    log.append("after")
    return log, found() is None


@pytest.fixture
def _every_region_in_the_window() -> Any:
    _core.assume_reach(True)
    yield
    _core.assume_reach(False)


@pytest.mark.usefixtures("_every_region_in_the_window")
@pytest.mark.parametrize(
    "function",
    [compared, displayed, never_named, given_to_a_function, overwritten, popped, called_back],
    ids=lambda f: f.__name__,
)
def test_what_is_not_referred_to_goes_at_once(function: Callable[[], Any]) -> None:
    assert xcs.jit(function)() == function()


def test_temporaries_that_are_read_later_stay() -> None:
    def run(n: Any) -> Any:
        a = (ask("a") or n) + (n and ask("b"))
        while len(a) < 20 and (n or a) and not a.endswith("x"):
            a = a + (ask("c") if len(a) < 15 else "x")
        return a, [b for b in a if b in a and (b or n)]

    for n in ("", "n"):
        assert xcs.jit(run)(n) == run(n)


class Ending:
    def __init__(self, name: Any) -> None:
        self.name = name

    def __del__(self) -> None:
        log(("end", self.name))


def test_what_a_variable_lets_go_of_ends_in_program_order(check: Check) -> None:
    def deleted() -> None:
        ending = Ending(1)
        log(ask("a"))
        del ending
        log(ask("b"))

    def rebound() -> None:
        ending: Any = Ending(1)
        log(ask("a"))
        ending = ask("b")
        log(ending)

    def returned() -> None:
        def inner() -> str:
            ending = [Ending(1)]
            log(ask("a"))
            return f"{len(ending)}"

        log(inner())
        log(ask("b"))

    for run in (deleted, rebound, returned):
        check(run)


def test_what_a_container_lets_go_of_ends_in_program_order(check: Check) -> None:
    def run() -> Any:
        table: dict[str, Any] = {"a": Ending(1), "b": Ending(2)}
        things = [Ending(3), Ending(4)]
        holder = Thing()
        holder.held = Ending(5)  # type: ignore[attr-defined]
        log(ask("a"))
        table["a"] = ask("b")
        log(ask("c"))
        del table["b"]
        log(ask("d"))
        things.clear()
        log(ask("e"))
        holder.held = None  # type: ignore[attr-defined]
        log(ask("f"))

    check(run)


def test_callbacks_and_generators_that_are_left_run_in_program_order(check: Check) -> None:
    def steps() -> Any:
        try:
            yield 1
        finally:
            log("closed")

    def run() -> Any:
        thing, other, stepped = Thing(), Thing(), steps()
        found = weakref.ref(thing, lambda _: log("gone"))
        final = weakref.finalize(other, log, "final")
        next(stepped)
        log(ask("a"))
        del thing
        log(ask("b"))
        other = None  # type: ignore[assignment]
        log(ask("c"))
        del stepped
        log(ask("d"))
        return found() is None, final.alive

    check(run)


@pytest.mark.usefixtures("_every_region_in_the_window")
def test_a_call_that_is_too_deep_lets_go_of_nothing_twice() -> None:
    def deeper(thing: Any) -> Any:
        return deeper((Thing(), thing))

    def run() -> str:
        try:
            return str(deeper(None))
        except RecursionError as error:
            return type(error).__name__

    assert xcs.jit(run)() == "RecursionError"
