"""check: runs a function line by line and jitted on the same answers, and compares what can be observed."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from xcs._check_calls import Calls
from xcs._check_state import State, described
from xcs._errors import XcsError
from xcs._jit import jitted_of

_SEEDS = (None, 0, 1)  # of the jitted runs: answers at once, and held back for times drawn from these


class DifferenceError(XcsError):
    """A jitted run differs from the sequential one, or a contract does not hold."""


@dataclass(frozen=True)
class Difference:
    """One thing that the two runs disagree about.

    Attributes:
        what: `"exception"`, `"result"`, `"calls"`, `"output"`, `"log"`, or the place in memory, such as
            `"argument 1"` or `"global cache"`.
        where: `"file:line"`: of the raise, of the call, or of the function.
        sequential: What the sequential run shows, as text.
        jitted: What the jitted run shows.
    """

    what: str
    where: str
    sequential: str
    jitted: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where}): line by line {self.sequential}, jitted {self.jitted}"


@dataclass(frozen=True)
class Check:
    """What `check` found.

    Attributes:
        function: The qualified name.
        differences: Of the first jitted run that differs, in the order in which they are best looked into.
        broken_contracts: What declared functions were seen to do against their declaration, a sentence each.
        calls: Independent calls of the sequential run.
        runs: Jitted runs that were compared.
    """

    function: str
    differences: tuple[Difference, ...]
    broken_contracts: tuple[str, ...]
    calls: int
    runs: int

    @property
    def ok(self) -> bool:
        """Whether the runs agree and every contract held."""
        return not self.differences and not self.broken_contracts

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100, no_color=True, highlight=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def __rich_console__(self, _: Console, __: ConsoleOptions) -> RenderResult:
        yield Text(self.function, "bold")
        if self.ok:
            runs = "1 jitted run" if self.runs == 1 else f"{self.runs} jitted runs"
            calls = "1 recorded call" if self.calls == 1 else f"{self.calls} recorded calls"
            yield Text(f"{runs} on {calls}: the same observation.", "green")
        for broken in self.broken_contracts:
            yield Text(broken + ".", "red")
        for difference in self.differences[:1]:
            yield Text(f"{difference.what} differs, {difference.where}", "red")
            yield Text(f"  line by line: {difference.sequential}")
            yield Text(f"  jitted:       {difference.jitted}")
        if len(self.differences) > 1:
            yield Text("Also different: " + ", ".join(d.what for d in self.differences[1:]) + ".", "dim")


@dataclass(frozen=True)
class _Observation:
    result: Any
    error: BaseException | None
    output: str
    log: str
    state: dict[str, Any]
    made: dict[Any, int]


def check(
    function: Callable[..., Any], /, *args: Any, raise_on_difference: bool = False, **keywords: Any
) -> Check:
    """Runs a jitted function line by line and jitted, and compares what can be observed.

    The answers of independent calls are recorded in the first run and given again in the others, in several
    orders. What the function, its helpers and its arguments reach is put back before each run and after the last.
    Ordered effects on the outside world (files, databases) happen in every run, and so do independent calls of
    coroutine functions and of compiled code.

    Args:
        function: What `xcs.jit` made.
        *args: The call's arguments.
        raise_on_difference: Raise DifferenceError unless the report is ok.
        **keywords: As `args`.

    Raises:
        UsageError: The function is not jitted, or an argument cannot be put back, such as a generator or a file.
        DifferenceError: See `raise_on_difference`.

    Example:
        >>> report = xcs.check(summaries, documents)
        >>> assert report.ok, report
    """
    jitted = jitted_of(function)
    plain = jitted.function
    owner = getattr(function, "__self__", None)
    given = args if owner is None else (owner, *args)
    state = State(plain, given, keywords)
    calls = Calls(state.describe)
    differences: tuple[Difference, ...] = ()
    runs = 0
    with calls.in_place():
        try:
            expected = _observe(plain, given, keywords, state, calls)
            for seed in _SEEDS:
                state.restore()
                calls.start(seed)
                runs += 1
                actual = _observe(jitted, given, keywords, state, calls)
                differences = tuple(_differences(plain, expected, actual, calls))
                if differences:
                    break
        finally:
            state.restore()
    report = Check(
        plain.__qualname__, differences, tuple(calls.broken), sum(map(len, calls.answers.values())), runs
    )
    if raise_on_difference and not report.ok:
        raise DifferenceError(str(report))
    return report


def _observe(
    call: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any], state: State, calls: Calls
) -> _Observation:
    output, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    logging.getLogger().addHandler(handler)
    result, error = None, None
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            result = call(*args, **keywords)
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
    except Exception as raised:  # noqa: BLE001 - it is what is compared
        error = raised
    finally:
        logging.getLogger().removeHandler(handler)
    seen = {**state.describe(), "result": described(result), "exception": described(error)}
    return _Observation(result, error, output.getvalue(), log.getvalue(), seen, dict(calls.made))


def _differences(plain: Any, expected: _Observation, actual: _Observation, calls: Calls) -> Any:
    here = f"{plain.__code__.co_filename}:{plain.__code__.co_firstlineno}"
    if expected.state["exception"] != actual.state["exception"]:
        where = _raised_at(expected.error) or _raised_at(actual.error) or here
        yield Difference("exception", where, _shown(expected.error), _shown(actual.error))
    if expected.state["result"] != actual.state["result"]:
        yield Difference("result", here, _shown(expected.result), _shown(actual.result))
    for key in dict.fromkeys([*expected.made, *actual.made]):
        one, other = expected.made.get(key, 0), actual.made.get(key, 0)
        # After an exception, calls that follow it may have been made.
        if one > other or (other > one and expected.error is None):
            where = calls.answers[key][-1].where if key in calls.answers else here
            yield Difference("calls", where, f"calls {key[0]} {_times(one)}", _times(other))
    for what in ("output", "log"):
        one_text, other_text = getattr(expected, what), getattr(actual, what)
        if one_text != other_text:
            yield Difference(what, here, *_first_lines(one_text, other_text))
    for place in dict.fromkeys([*expected.state, *actual.state]):
        if place not in ("result", "exception") and expected.state.get(place) != actual.state.get(place):
            yield Difference(place, here, _shown(expected.state.get(place)), _shown(actual.state.get(place)))


def _raised_at(error: BaseException | None) -> str:
    frames = traceback.extract_tb(error.__traceback__ if error is not None else None)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _shown(value: Any) -> str:
    text = "nothing raised" if value is None else repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _first_lines(one: str, other: str) -> tuple[str, str]:
    ones, others = one.splitlines(), other.splitlines()
    at = next(
        (i for i, (a, b) in enumerate(zip(ones, others, strict=False)) if a != b), min(len(ones), len(others))
    )

    def line(lines: list[str]) -> str:
        return f"line {at + 1} is {lines[at]!r}" if at < len(lines) else f"ends after {len(lines)} lines"

    return line(ones), line(others)
