"""Details of the language that CPython's own tests hold to, each as a program compared with plain execution."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import xcs
from xcs import _core

from .conftest import Check, ask, log


@pytest.fixture
def walked() -> Iterator[None]:
    """Takes every region through the window, also those that reach no independent call."""
    _core.assume_reach(True)
    yield
    _core.assume_reach(False)


class Linked:
    def __init__(self, following: Linked | None) -> None:
        self.following = following

    def name(self) -> str:
        return "end" if self.following is None else "inner"


def test_a_variable_may_be_replaced_by_an_attribute_of_itself(check: Check) -> None:
    def run(node):
        node = node.following
        while node.following is not None:
            node = node.following
        return node.name(), ask("a")

    linked = Linked(Linked(Linked(None)))
    check(run, lambda: (linked,))


@pytest.mark.usefixtures("walked")
def test_variables_keep_what_a_statement_gave_them_before_it_raised(check: Check) -> None:
    def run():
        found = None
        try:
            import os, no_such_module as found  # noqa: E401, I001
        except ImportError as error:
            return os.name, found, str(error), ask("a")

    check(run)


@pytest.mark.usefixtures("walked")
def test_variables_keep_what_a_statement_gave_them_before_it_raised_late(check: Check) -> None:
    def run():
        found = os = None
        log(ask("a"))
        try:
            log("b")
            import os, no_such_module as found  # noqa: E401, I001
        except ImportError as error:
            return os.name, found, str(error)

    check(run)


def test_an_annotation_of_a_name_in_parentheses_makes_no_variable(check: Check) -> None:
    def run():
        (no_such_name): int
        log(ask("a"))
        try:
            return no_such_name
        except NameError as error:
            return type(error), str(error)

    check(run)


@pytest.mark.usefixtures("walked")
def test_a_name_that_is_missing_in_a_handler_has_the_handled_exception_as_its_context() -> None:
    @xcs.jit
    def run():
        try:
            1 / 0
        except ZeroDivisionError:
            return no_such_name  # noqa: F821

    with pytest.raises(NameError) as caught:
        run()
    assert isinstance(caught.value.__context__, ZeroDivisionError)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_exception_groups_look_at_exceptions_that_hold_answers(check: Check) -> None:
    def run():
        group = ExceptionGroup(ask("a"), [ValueError(ask("b")), TypeError(2)])  # noqa: F821
        return repr(group), [repr(e) for e in group.exceptions]

    check(run, width=2)


def test_defaults_assigned_to_a_function_hold_for_its_next_call(check: Check) -> None:
    def run():
        def add(a, b=1, *, c=2):
            return a, b, c, ask("a")

        add.__defaults__ = (ask("b"),)
        first = add(1)
        add.__kwdefaults__ = {"c": ask("c")}
        return first, add(1)

    check(run)


def test_a_jitted_function_has_the_attributes_of_its_function() -> None:
    def plain(a, b=1, *, c: int = 2):
        return a, b, c, ask("a")

    jitted: Any = xcs.jit(plain)
    for name in ("code", "defaults", "kwdefaults", "annotations", "closure", "globals", "builtins"):
        assert getattr(jitted, f"__{name}__") is getattr(plain, f"__{name}__")
    jitted.__defaults__ = (5,)
    assert jitted(0) == (0, 5, 2, "<a>")
    with pytest.raises(AttributeError):
        jitted.__closure__ = None


def test_a_jitted_function_runs_under_other_builtins() -> None:
    @xcs.jit
    def count():
        return len([1, 2, ask("a")])

    assert eval("count()", {"count": count, "__builtins__": {"len": lambda _: 7}}) == 3


@pytest.mark.usefixtures("walked")
def test_a_class_that_cpython_has_not_readied_is_walked(check: Check) -> None:
    def run():
        positions = run.__code__.co_positions()
        return type(next(positions)), ask("a")

    check(run)


def test_a_class_whose_bases_are_being_found_is_walked(check: Check) -> None:
    def run():
        found = []

        class Meta(type):
            @xcs.jit
            def mro(cls):
                found.append((cls.__dict__["tell"](), cls.__name__, ask("a")))
                return super().mro()

        class Told(metaclass=Meta):
            @staticmethod
            @xcs.jit
            def tell():
                return ask("b")

        return found, Told.__mro__[1:]

    check(run)


def test_a_nested_function_may_hold_a_name_that_is_its_own(check: Check) -> None:
    def run():
        def told():
            return "told", ask("a")

        class Told:
            name = "Told"

            def told(self):
                return "told", "Told.told", Told.__qualname__

        return told(), told.__qualname__, Told().told(), Told.name, Told.told.__qualname__

    check(run)
