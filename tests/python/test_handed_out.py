"""Objects that come back: what a call hands out of its arguments, what stops an iterator, what is being handled."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

import pytest
import xcs

from .conftest import Check, ask, log


@xcs.op(returns="object")
def first_of(given: Any) -> Any:
    return given[0]


@xcs.op(returns="element")
def value_of(given: Any) -> Any:
    return given["a"]


def test_what_a_call_hands_out_of_its_arguments_is_the_very_object(check: Check) -> None:
    def run(inner: list[Any], table: dict[str, Any]) -> Any:
        outer = [inner]
        inner.append(ask("a"))
        out = first_of(outer)
        out.append(ask("b"))
        table["a"].append(ask("c"))
        value = value_of(table)
        value.append("d")
        return out is inner, inner, value is table["a"], table

    check(run, lambda: ([], {"a": []}))


def stops_at_two(n: int) -> int:
    log(ask(str(n)))
    if n == 2:
        raise StopIteration("two")
    return n


def test_a_callback_that_raises_stop_iteration_ends_the_iterator(check: Check) -> None:
    def run() -> Any:
        ended = [n for n in map(stops_at_two, [1, 2, 3])]  # noqa: C416
        kept = []
        for n in filter(stops_at_two, [1, 2, 3]):
            kept.append(n)
        return ended, kept, sum(map(stops_at_two, [1, 2])), ",".join(map(str, map(stops_at_two, [1, 2])))

    check(run)


def test_an_iterator_that_a_callback_stopped_goes_on(check: Check) -> None:
    def run() -> Any:
        mapped = map(stops_at_two, [1, 2, 3])
        return list(mapped), list(mapped), list(map(lambda step: next(step), [iter([1]), iter(())]))  # noqa: C417

    check(run)


class Manager:
    seen: Any = None

    async def __aenter__(self) -> Manager:
        return self

    async def __aexit__(self, *error: object) -> bool:
        self.seen = [repr(sys.exc_info()[1])]
        try:
            await failing(KeyError("inner"))
        except KeyError as raised:
            self.seen.append(repr(raised.__context__))
        return True


async def failing(error: Exception) -> None:
    raise error


def test_what_is_awaited_in_turn_sees_what_is_being_handled() -> None:
    async def run() -> Any:
        manager = Manager()
        async with manager:
            ask("a").missing  # type: ignore[attr-defined]
        before = repr(sys.exc_info()[1])
        with contextlib.suppress(LookupError):
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(failing, IndexError("b"))
                raise KeyError(ask("c"))
        return manager.seen, before

    expected = asyncio.run(run())
    assert expected[0][0].startswith("AttributeError")
    assert asyncio.run(xcs.jit(run)()) == expected


@pytest.mark.parametrize("suppress", [True, False])
def test_exceptions_of_an_exit_stack_are_chained(suppress: bool) -> None:
    async def run() -> Any:
        try:
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(failing, IndexError("b"))
                if suppress:
                    stack.push_async_exit(leave)
                stack.push_async_callback(failing, ValueError("a"))
                raise KeyError(ask("c"))
        except IndexError as raised:
            return repr(raised.__context__), repr(raised.__context__ and raised.__context__.__context__)

    async def leave(*error: Any) -> bool:
        log(repr(error[1].__context__))
        return True

    assert asyncio.run(xcs.jit(run)()) == asyncio.run(run())
