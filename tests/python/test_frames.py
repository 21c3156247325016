"""What is seen of frames and the recursion limit: by callees that look for their callers, and in tracebacks."""

from __future__ import annotations

import collections
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import xcs

from .conftest import Check, ask


def _callers(frames: int) -> list[tuple[str, int]]:
    """Name and line of the functions that called this one."""
    found = []
    frame = sys._getframe(1)
    for _ in range(frames):
        found.append((frame.f_code.co_name, frame.f_lineno))
        assert frame.f_back is not None
        frame = frame.f_back
    return found


class Looks:
    def __init__(self) -> None:
        self.made_by = _callers(3)

    def method(self) -> Any:
        return _callers(3), ask("method")


def _helper() -> Any:
    here = _callers(2)
    first = ask("helper")
    return here, first, Looks().made_by, Looks().method(), _class().seen


def _class() -> Any:
    class Made:
        seen = _callers(3)

    return Made


def test_callees_find_their_callers(check: Check) -> None:
    def run():
        return ask("first"), _helper()

    check(run)


def test_a_warning_names_the_line_that_the_sequential_run_names(check: Check) -> None:
    def warn() -> str:
        warnings.warn("careful", stacklevel=2)
        return ask("warned")

    def run():
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            warn()
            warnings.warn("here", stacklevel=1)
        return [(w.filename, w.lineno) for w in found]

    check(run)


def test_classes_made_by_functions_belong_to_the_module_that_made_them(check: Check) -> None:
    def run():
        pair = collections.namedtuple("pair", "a b")
        return pair.__module__, ask("a")

    check(run)


def _traceback_of(function: Callable[[], Any]) -> list[str]:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - compared
        lines = traceback.format_exception(error)
    return lines[2:]  # without the caller's own


def _attribute() -> None:
    answer = ask("a")
    (answer
     .upper()
     .missing(1))  # fmt: skip


def _item() -> None:
    print(ask("a") + ({}["k"] or ask("b")))


def _operator() -> None:
    print(len(ask("a")) + ask("b"))  # type: ignore[operator]


def _name() -> None:
    print(ask("a"), no_such_name)  # type: ignore[name-defined] # noqa: F821


def _call() -> None:
    _deeper(ask("a"))


def _deeper(text: str) -> None:
    for letter in text:
        if letter == ask("a")[1]:
            raise ValueError(
                letter,
                ask("b"),
            )


def _chained() -> None:
    try:
        _deeper(ask("a"))
    except ValueError as error:
        raise KeyError(ask("c")) from error


def _compiled() -> None:
    int(ask("a"))


def _failed_answer() -> None:
    print(ask("good"), ask("bad"))


def _in_statement() -> None:
    ask("a")

    class Failing:
        value = int("x")


@pytest.mark.parametrize(
    "function",
    [_attribute, _item, _operator, _name, _call, _chained, _compiled, _failed_answer, _in_statement],
)
def test_a_traceback_shows_the_lines_and_columns_of_the_sequential_one(function: Callable[[], Any]) -> None:
    assert _traceback_of(xcs.jit(function)) == _traceback_of(function)


def _count(n: int, seen: list[int]) -> Any:
    seen[0] = n
    return _count(n + 1, seen) or ask("a")


def test_entered_functions_reach_the_recursion_limit_at_the_same_call() -> None:
    found = []
    for function in (_count, xcs.jit(_count)):
        seen = [0]
        with pytest.raises(RecursionError) as caught:
            function(0, seen)
        found.append((seen, str(caught.value)))
    assert found[0] == found[1]


def test_a_function_first_called_near_the_recursion_limit_runs_as_it_would() -> None:
    def run() -> Any:
        return [ask(f"{x}") for x in "ab"], {x: ask(x) for x in "cd"}, f"{ask('e')!r:>9}"

    def descend(levels: int, function: Callable[[], Any]) -> Any:
        return function() if levels == 0 else descend(levels - 1, function)

    def deepest(function: Callable[[], Any]) -> int:
        low, high = 0, sys.getrecursionlimit()
        while high - low > 1:
            middle = (low + high) // 2
            try:
                descend(middle, function)
                low = middle
            except RecursionError:
                high = middle
        return low

    # Answers come from this thread when the function runs as it is, so that takes a little more.
    assert deepest(xcs.jit(run)) >= deepest(run)


class Endless:
    @xcs.jit
    def __getattr__(self, name: str) -> Any:
        return getattr(self, name + ask("a"))


def test_endless_recursion_through_compiled_code_raises() -> None:
    with pytest.raises(RecursionError):
        Endless().missing
