"""`@xcs.jit`, and what it tells about the last run."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from typing_extensions import ParamSpec

from xcs import _core
from xcs._config import Config, changed
from xcs._errors import UsageError
from xcs._narrowing import is_wrapped
from xcs._prices import price_of

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class Jitted(Protocol, Generic[P, R_co]):
    """What `jit` makes of a function: the function, and a way to give it options."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Callable[..., R_co]: ...
    def with_config(self, **options: Any) -> Jitted[P, R_co]: ...


@overload
def jit(function: Callable[P, R_co], /) -> Jitted[P, R_co]: ...
@overload
def jit(**options: Any) -> Callable[[Callable[P, R_co]], Jitted[P, R_co]]: ...
def jit(function: Any = None, /, **options: Any) -> Any:
    """Runs a function's independent calls at the same time, with the answer that running it line by line would give.

    Args:
        function: A Python function or method, also `async def` or a generator. The calls that a generator makes
            between two of its yields overlap.
        **options: As in `Config`.

    Example:
        >>> @xcs.jit
        ... def summaries(documents):
        ...     return [summarize(document) for document in documents]
    """
    config = changed(None, options)
    if function is None:
        return functools.partial(_jitted, config=config)
    return _jitted(function, config=config)


def _jitted(function: Any, *, config: Config) -> Any:
    if isinstance(function, _core.Jitted):
        return with_config(function, vars(config))
    if is_wrapped(function):
        return type(function)(_jitted(function.__func__, config=config))
    _refuse_what_cannot_run(function)
    made = _core.Jitted(function, config)
    functools.update_wrapper(made, function)
    return made


def _refuse_what_cannot_run(function: Any) -> None:
    name = getattr(function, "__qualname__", repr(function))
    if isinstance(function, type):
        raise UsageError(f"{name} is a class; put @xcs.jit on its methods")
    if not isinstance(function, types.FunctionType):
        what = "compiled code" if inspect.isbuiltin(function) else f"a {type(function).__name__}"
        raise UsageError(f"{name} is {what}; @xcs.jit takes a Python function")
    if inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{name} is an asynchronous generator; put @xcs.jit on the coroutine that consumes it"
        )
    if function.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE:
        raise UsageError(
            f"{name} is a generator that is awaited; put @xcs.jit on the coroutine that awaits it"
        )


def with_config(jitted: Any, options: dict[str, Any]) -> Any:
    """The same function with some options changed."""
    given = {name: value for name, value in options.items() if value is not None}
    made = _core.Jitted(jitted.function, changed(jitted.config, given))
    return functools.update_wrapper(made, jitted.function)


@dataclass(frozen=True)
class Wait:
    """Why something waited.

    Attributes:
        reason: The stable code; docs/reasons.md explains each.
        kind: `"missed"` (it could overlap and does not), `"limit"` (a limit that was set) or `"ordered"` (the
            order is what the program asks for).
        times: How often.
        seconds: For how long, all waits added up; waits overlap, so this may exceed the run's wall time.
        lost: Seconds of the run during which calls that could have gone on were held up by what stands here.
            0 where another place is to blame.
        because_of: The `(file, line)` to blame, when that is another place.
    """

    reason: str
    kind: str
    times: int
    seconds: float
    lost: float
    because_of: tuple[str, int] | None


@dataclass(frozen=True)
class Site:
    """What one place in the source did during a run.

    Attributes:
        issued: Independent calls started from here; `early` of them while another call was in flight.
        in_order: How often it ran only when everything before it was done.
        waits: Why it had to wait, and what it held up, by reason and place to blame.
    """

    file: str
    function: str
    line: int
    column: int
    end_line: int
    end_column: int
    op: str
    issued: int
    early: int
    in_order: int
    waits: tuple[Wait, ...]

    @property
    def reason(self) -> str | None:
        """The code of the reason that matters most: one that can be repaired, for which it waited longest."""
        return min(self.waits, key=_least_welcome).reason if self.waits else None


def _least_welcome(wait: Wait) -> tuple[int, float]:
    return ("missed", "limit", "ordered").index(wait.kind), -(wait.lost + wait.seconds)


@dataclass(frozen=True)
class Record:
    """What a run found in its journal and its cache, and kept there.

    Attributes:
        recalled: Calls answered from the journal.
        cached: Calls answered from the cache.
        kept: Answers written to the journal.
        unkept: How many answers could not be kept, by place and reason.
    """

    recalled: int
    cached: int
    kept: int
    unkept: dict[str, int]

    def __str__(self) -> str:
        parts = [f"{self.recalled} from the journal", f"{self.cached} from the cache", f"{self.kept} kept"]
        parts += [f"not kept: {count} of {why}" for why, count in self.unkept.items()]
        return "; ".join(parts)


@dataclass(frozen=True)
class Spent:
    """What the model calls of one place took with one model, every attempt counted.

    Attributes:
        calls: Calls that were answered or failed; `failed` of them failed.
        attempts: How many requests were sent for them.
        lost: Attempts that may have to be paid for although no answer came: the connection broke, it took too long,
            or another attempt was sooner. Their tokens are not known.
        input_tokens: Those of the provider's cache among them.
        hedges: Calls that were sent a second time because they were slow (`hedge`); `hedges_won` of them were answered
            by their second request.
        hedge_saved: Seconds that this saved those calls, as far as the time that calls as slow have taken tells.
        hedge_cost: Dollars that the other requests of hedged calls may have cost, if they made answers as long; not
            part of `cost`. None when the price of the model is not known.
        cost: Dollars for the tokens; None when the price of the model is not known.
    """

    file: str
    function: str
    line: int
    model: str
    calls: int
    failed: int
    attempts: int
    lost: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    hedges: int
    hedges_won: int
    hedge_saved: float
    hedge_cost: float | None
    cost: float | None


@dataclass(frozen=True)
class Stats:
    """What happened in one run.

    Attributes:
        calls: Independent calls started; `cancelled` of them were not needed in the end.
        speculated: Of the calls, those started on a guess (`speculate`); `wasted` of them turned out not to be made,
            and their answers were dropped.
        rounds: The longest chain of calls of which each could start only when the one before was done.
        most_in_flight: The most calls in flight at one time.
        wall: Seconds from call to return.
        critical_path: Seconds of the longest chain of calls of which each needs the answer of the one before: no
            order of calls is quicker. Waiting for memory or for a turn does not count.
        entries: Operations that waited for their turn.
        frames: Branches, loops and callees that waited for an answer while the code after them went on.
        forwards: Reads that looked through changes which had not happened yet.
        sites: The places that started calls or waited.
        record: What a journal or a cache had to do with it; None without either.
        spent: What calls of `xcs.llm`, `xcs.embed` and adopted clients took, by place and model.
    """

    calls: int
    cancelled: int
    speculated: int
    wasted: int
    rounds: int
    most_in_flight: int
    wall: float
    critical_path: float
    entries: int
    frames: int
    forwards: int
    sites: tuple[Site, ...]
    record: Record | None = None
    spent: tuple[Spent, ...] = ()

    @property
    def cost(self) -> float | None:
        """Dollars for all model calls; None when the price of a model is not known."""
        costs = [spent.cost for spent in self.spent]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def used(self) -> int:
        """The calls that were started on a guess and that turned out to be made."""
        return self.speculated - self.wasted

    @property
    def lost(self) -> dict[str, float]:
        """Seconds lost to what could be repaired or raised, by reason code, the costliest first.

        Several places can hold up the same calls at one time, so the sum may exceed `wall`. Waits that the program
        asks for are not lost.
        """
        lost: dict[str, float] = {}
        for site in self.sites:
            for wait in site.waits:
                if wait.lost:
                    lost[wait.reason] = lost.get(wait.reason, 0.0) + wait.lost
        return dict(sorted(lost.items(), key=lambda item: -item[1]))

    @property
    def summary(self) -> str:
        """The counters that matter most, in one sentence."""
        return (
            f"{_count(self.calls, 'call')} in {_count(self.rounds, 'round')}, at most {self.most_in_flight} in "
            f"flight, {self.wall:.2f} s; the longest chain of calls took {self.critical_path:.2f} s."
        )

    def __str__(self) -> str:
        lost = [f"{reason} {seconds:.2f} s" for reason, seconds in self.lost.items()]
        text = self.summary + (f" Lost: {', '.join(lost)}." if lost else "")
        return text if self.record is None else f"{text} Answers: {self.record}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def jitted_of(function: Callable[..., Any]) -> Any:
    """The Jitted in a jitted function, a jitted method of an object, or what `vmap` made.

    Raises:
        UsageError: There is none.
    """
    jitted = function.__func__ if isinstance(function, types.MethodType) else function
    jitted = getattr(jitted, "__xcs_jitted__", jitted)
    if not isinstance(jitted, _core.Jitted):
        raise UsageError(f"{function!r} is not a function made by xcs.jit")
    return jitted


def stats(function: Callable[..., Any]) -> Stats | None:
    """What happened in the last run of a jitted function; None when it ran as plain Python, or not at all.

    Raises:
        UsageError: It is not a jitted function.
    """
    run = cast("dict[str, Any] | None", jitted_of(function).last_run)
    if run is None:
        return None
    return Stats(
        calls=run["calls"],
        cancelled=run["cancelled"],
        speculated=run["speculated"],
        wasted=run["wasted"],
        rounds=run["rounds"],
        most_in_flight=run["most_in_flight"],
        wall=run["wall_ns"] / 1e9,
        critical_path=run["critical_path_ns"] / 1e9,
        entries=run["entries"],
        frames=run["frames"],
        forwards=run["forwards"],
        sites=tuple(_site(site) for site in run["sites"]),
        record=Record(**run["record"]) if run["record"] else None,
        spent=tuple(_spent(spent) for spent in run["spent"]),
    )


def _site(site: dict[str, Any]) -> Site:
    fields: dict[str, Any] = {**site, "waits": tuple(_wait(wait) for wait in site["waits"])}
    return Site(**fields)


def _wait(wait: dict[str, Any]) -> Wait:
    return Wait(
        reason=wait["reason"],
        kind=_core.reasons()[wait["reason"]][0],
        times=wait["times"],
        seconds=wait["wait_ns"] / 1e9,
        lost=wait["lost_ns"] / 1e9,
        because_of=None if wait["own"] else (wait["file"], wait["line"]),
    )


def _spent(spent: dict[str, Any]) -> Spent:
    price = price_of(spent["model"])
    names = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens")
    of_hedges = dict(zip(names, spent.pop("hedge_tokens"), strict=True))
    return Spent(
        hedge_saved=spent.pop("hedge_saved_ns") / 1e9,
        hedge_cost=None if price is None else price.cost(**of_hedges),
        cost=None if price is None else price.cost(**{name: spent[name] for name in names}),
        **spent,
    )
