"""Runs one program sequentially and jitted under several completion orders, and compares what can be observed."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import inspect
import io
import linecache
import random
import signal
import sys
import traceback
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import xcs
from xcs import _core

from random_programs.canonical import canonical
from random_programs.world import MARK, WORLD, OverBudget

# What a sequential run may compute before the program is put aside, in seconds.
_SLOW = 0.5

# Parts of the observation that are not compared.
IGNORED: set[str] = set()


@dataclass(frozen=True)
class Plan:
    """How one jitted run is made.

    Attributes:
        order: The seed of the order in which calls complete; None: they run on worker threads.
        salt: What answers depend on besides arguments.
        failing: One risky call in `failing` fails; 0: none does.
        options: As for `xcs.jit`.
    """

    order: int | None
    salt: int = 0
    failing: int = 0
    options: dict[str, Any] = field(default_factory=dict)


def plans(seed: int, number: int) -> list[Plan]:
    """The runs that a program's seed stands for: few worlds, several orders in each."""
    draw = random.Random(seed)
    made = []
    salt = failing = 0
    for i in range(number):
        if i % 4 == 0:
            salt, failing = draw.randrange(1 << 16), draw.choice([0, 2, 3, 5])
        options: dict[str, Any] = {}
        if i % 4 > 1:
            options["max_in_flight"] = draw.choice([1, 2, 3, 1024])
            options["window"] = draw.choice([1, 2, 5, 20, 100_000])
            options["forward"] = draw.random() < 0.7
            options["speculate"] = draw.choice([0, 0, 1, 3, 8])
        order = None if i % 8 == 7 else draw.randrange(1 << 32)
        made.append(Plan(order, salt, failing, options))
    return made


@dataclass(frozen=True)
class Observation:
    """What can be told after a run, as text; and the calls that were made."""

    seen: dict[str, str]
    calls: Counter[str]
    raised_inside: bool


def load(source: str, name: str) -> Callable[[], types.ModuleType]:
    """Makes a module of a program's source, and makes it anew with each call.

    It is one module with one dict, so that its functions are lowered once.
    """
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    code = compile(source, file, "exec")
    module = types.ModuleType("program")

    def fresh() -> types.ModuleType:
        module.__dict__.clear()
        module.__dict__.update(__name__="program", __file__=file)
        sys.modules["program"] = module
        exec(code, module.__dict__)
        return module

    return fresh


def observe(
    fresh: Callable[[], types.ModuleType],
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]],
    plan: Plan,
    most: int = 600,
) -> Observation:
    """Calls what `wrap` makes of a fresh module's `main`, with the arguments that its `make` makes."""
    WORLD.reset(plan.salt, plan.failing, most)
    random.seed(plan.salt)
    module = fresh()
    arguments = module.make()
    call = wrap(module.main)
    output = io.StringIO()
    result: Any
    error: BaseException | None = None
    with contextlib.redirect_stdout(output):
        try:
            result = call(*arguments)
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
        except Exception as raised:  # noqa: BLE001 - part of what is compared
            result, error = None, raised
    seen, lines = {}, ""
    try:
        if error is not None:
            seen["raised"] = f"{canonical(error)} {MARK in error.__dict__}"
            seen["chain"] = "; ".join(_chain(error))
            lines = str(_lines(error, module.__file__ or ""))
            # How long what the frames hold lives is not promised: a jitted run has no such frames.
            for one in _led_to(error):
                traceback.clear_frames(one.__traceback__)
        gc.collect()
        state = {
            name: value
            for name, value in module.__dict__.items()
            if not name.startswith("__") and getattr(value, "__module__", None) != "random_programs.world"
        }
        classes = [
            {
                k: v
                for k, v in vars(c).items()
                if not k.startswith("__") and not isinstance(v, types.FunctionType)
            }
            for c in state.values()
            if isinstance(c, type) and c.__module__ == "program"
        ]
        # One text, so that what the result shares with arguments and globals shows.
        seen["state"] = canonical((result, error, arguments, state, classes))
    finally:
        del error
    seen["effects"] = str(WORLD.effects)
    seen["files"] = str(WORLD.files())
    seen["output"] = output.getvalue()
    seen["random"] = str(hash(random.getstate()))
    seen["torn"] = str(WORLD.torn)
    seen["still active"] = str(WORLD.active)
    if "raised" in seen:
        seen["traceback"] = lines
    return Observation(seen, WORLD.calls, "raised" in seen)


def _led_to(error: BaseException) -> list[BaseException]:
    """The exception and those in its chain."""
    chain: dict[int, BaseException] = {}
    pending: list[BaseException | None] = [error]
    while pending:
        e = pending.pop()
        if e is not None and id(e) not in chain:
            chain[id(e)] = e
            pending += [e.__context__, e.__cause__]
    return list(chain.values())


def _chain(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    pending: list[tuple[str, BaseException | None]] = [("", error)]
    while pending:
        how, e = pending.pop()
        if e is None:
            yield f"{how} none"
            continue
        if id(e) in seen:
            yield f"{how} again"
            continue
        seen.add(id(e))
        yield f"{how} {type(e).__name__}{e.args!r:.200} {e.__suppress_context__}"
        pending += [(how + "x", e.__context__), (how + "c", e.__cause__)]


def _lines(error: BaseException, file: str) -> list[tuple[str, int]]:
    lines = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        # Comprehensions have frames of their own up to Python 3.11 only.
        if code.co_filename == file and not code.co_name.endswith("comp>"):
            # CPython 3.11's own line is that before it when a function that has become hot reads an unbound variable.
            line = 0 if isinstance(error, UnboundLocalError) else step.tb_lineno
            lines.append((code.co_name, line))
        step = step.tb_next
    return lines


class _Traced:
    """Whether any exception was raised in a program's frames."""

    def __init__(self) -> None:
        self.raised = False

    def __call__(self, frame: types.FrameType, _event: str, _argument: Any) -> Any:
        if frame.f_globals.get("__name__") not in ("program", "random_programs.world"):
            return None
        frame.f_trace_lines = False
        return self._local

    def _local(self, _frame: types.FrameType, event: str, argument: Any) -> Any:
        if event == "exception" and argument[0] not in (StopIteration, GeneratorExit):
            self.raised = True
        return self._local


def _begin_afresh() -> None:
    """What an earlier run has left behind has its effects now, and nobody looks at the rest again."""
    gc.collect()
    gc.freeze()


def expected(fresh: Callable[[], types.ModuleType], plan: Plan) -> Observation | None:
    """The sequential observation; None when the program is not worth checking."""
    traced = _Traced()
    _begin_afresh()

    def over(*_: Any) -> None:
        raise OverBudget

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SLOW)

    def wrap(main: Callable[..., Any]) -> Callable[..., Any]:
        sys.settrace(traced)
        return main

    try:
        observation = observe(fresh, wrap, plan)
    except (OverBudget, MemoryError):
        return None
    except Exception:  # noqa: BLE001 - its arguments cannot be made
        return None
    finally:
        sys.settrace(None)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if "recursion" in "".join(observation.seen.values()):  # where exactly the stack ends is not promised
        return None
    return Observation(observation.seen, observation.calls, traced.raised)


def actual(fresh: Callable[[], types.ModuleType], plan: Plan) -> Observation:
    """The jitted observation."""

    def run() -> Observation:
        if plan.order is not None:
            _core.completion_seed.set(plan.order)
        # Before an exception, calls may have been made to which the program does not come.
        _begin_afresh()
        return observe(fresh, xcs.jit(**plan.options), plan, most=100_000)

    return contextvars.copy_context().run(run)


def difference(expected: Observation, actual: Observation, *, guesses: bool = False) -> str | None:
    """What differs, or None. With `guesses`, calls may have been made in vain."""
    for part in dict.fromkeys([*expected.seen, *actual.seen]):
        one, other = expected.seen.get(part, ""), actual.seen.get(part, "")
        if one != other and part not in IGNORED:
            return f"{part}:\n  sequential {_around(one, other)}\n  jitted     {_around(other, one)}"
    if missing := expected.calls - actual.calls:
        return f"calls not made: {dict(missing)}"
    if not guesses and not expected.raised_inside and (extra := actual.calls - expected.calls):
        return f"calls made too often: {dict(extra)}"
    return None


def _around(text: str, other: str) -> str:
    """The text from a little before its first difference from `other`."""
    at = next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )
    return text if len(text) < 300 else f"...{text[max(0, at - 120) : at + 160]}"


@dataclass(frozen=True)
class Checked:
    """What comparing a program came to: the runs compared, and the first difference with its plan."""

    runs: int
    difference: str | None = None
    plan: Plan | None = None


def check(source: str, name: str, todo: list[Plan]) -> Checked:
    """Compares a program's runs with the sequential ones."""
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # generators that are dropped
    try:
        fresh = load(source, name)
    except SyntaxError:  # a rule of the language that the generator does not know
        return Checked(0)
    known: dict[tuple[int, int], Observation | None] = {}
    runs = 0
    for plan in todo:
        world = (plan.salt, plan.failing)
        if world not in known:
            known[world] = expected(fresh, plan)
        wanted = known[world]
        if wanted is None:
            break
        runs += 1
        found = difference(wanted, actual(fresh, plan), guesses=bool(plan.options.get("speculate")))
        if found is not None:
            return Checked(runs, found, plan)
    return Checked(runs)
