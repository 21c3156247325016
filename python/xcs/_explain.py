"""explain: what overlapped in a run, what did not, why, and what to change."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import io
import json
import linecache
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from xcs import _core, _prelude, _vmap
from xcs._errors import UsageError
from xcs._explain_page import page, report
from xcs._jit import Site, Stats, Wait, jitted_of, stats

# What is to be repaired comes first, what has to be as it is last.
_KINDS = ("missed", "limit", "ordered")
# Of the wall time: what waited for less is not reported as missed.
_LEAST_SHARE = 0.01
# Columns kept free for line numbers and notes.
_NOTE_WIDTH = 46
_OWN_FILES = (_prelude.__file__, _vmap.__file__)
_STYLES = {"missed": "red", "limited": "yellow", "overlaps": "green", "in order": "dim"}


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the program that started independent calls or waited.

    Attributes:
        file: Where it stands; with `line`, the number, and `function`, the qualified name.
        source: Its text.
        calls: Independent calls started from this line.
        early: Of these, how many started while another call was in flight.
        waits: Why things on it waited or held others up, what is to be repaired first.
    """

    file: str
    line: int
    function: str
    source: str
    calls: int
    early: int
    waits: tuple[Wait, ...]

    @property
    def lost(self) -> float:
        """Seconds of the run that this line held up what could have gone on."""
        return sum(wait.lost for wait in self.waits)

    @property
    def verdict(self) -> str:
        """`"missed"` (this line or one that it waits for is to blame), `"limited"`, `"overlaps"` or `"in order"`."""
        kinds = {wait.kind for wait in self.waits}
        if "missed" in kinds:
            return "missed"
        if "limit" in kinds:
            return "limited"
        return "overlaps" if self.calls else "in order"

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What happened in a few words each, with the verdict that each speaks for."""
        notes: list[tuple[str, str]] = []
        if self.calls:
            notes.append(("overlaps" if self.early or self.calls == 1 else "in order", self._calls()))
        for wait in self.waits:
            if wait.kind != "ordered":
                notes.append(("missed" if wait.kind == "missed" else "limited", self._missed(wait)))
        if self.verdict == "in order" or (self.calls > 1 and not self.early):
            ordered = list(dict.fromkeys(wait.reason for wait in self.waits if wait.kind == "ordered"))
            notes += [("in order", "in order: " + ", ".join(ordered))] if ordered else []
        return tuple(notes)

    def _missed(self, wait: Wait) -> str:
        if wait.because_of is None:
            verdict = "missed" if wait.kind == "missed" else "limited"
            return f"{verdict}: {wait.reason}" + (f", {wait.lost:.2f} s lost" if wait.lost else "")
        file, line = wait.because_of
        where = f"line {line}" if file == self.file else f"{os.path.basename(file)}:{line}"
        return f"held up by {where}: {wait.reason}"

    def _calls(self) -> str:
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        if self.early >= max(self.calls - 1, 1):  # the first call of a run has nothing before it
            return f"{calls} overlap" if self.calls > 1 else f"{calls} overlaps"
        if self.early:
            return f"{calls}, {self.early} overlap"
        return calls if self.calls == 1 else f"{calls}, one after another"


@dataclasses.dataclass(frozen=True)
class Reason:
    """Everything in a run that waited, or held others up, for one reason.

    Attributes:
        code: As in docs/reasons.md.
        kind: As in `Wait`.
        explanation: One sentence.
        remedy: What to change; empty when there is nothing to repair.
        times: How often something waited.
        seconds: For how long, all waits added up.
        lost: Seconds of the run that were lost because of it; 0 for what is ordered by design.
        places: `"file:line"` of each line to blame.
    """

    code: str
    kind: str
    explanation: str
    remedy: str
    times: int
    seconds: float
    lost: float
    places: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The report of one run: print it, or take its lines, its JSON or its HTML page.

    Attributes:
        function: The qualified name.
        stats: The run's counters; None when the function ran line by line.
        lines: The lines that started calls, waited or held others up, by file and number.
        reasons: Why, what is to be repaired first and the costliest of it first.
        whole: Why the function ran line by line, in one sentence; empty when it did not.
    """

    function: str
    stats: Stats | None
    lines: tuple[Line, ...]
    reasons: tuple[Reason, ...]
    whole: str

    @property
    def summary(self) -> str:
        """The run in one sentence."""
        return f"It ran line by line: {self.whole}" if self.stats is None else self.stats.summary

    def print(self, console: Console | None = None) -> None:
        """Prints the report to the terminal, or to the given rich console."""
        (console or Console(highlight=False)).print(self)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield Text(self.function, "bold")
        yield Text(self.summary)
        if self.lines:
            yield Padding(self._table(options.max_width), (1, 0))
        if self.stats is not None or self.reasons:
            yield from self._verdict()

    def _table(self, width: int) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(20, width - _NOTE_WIDTH))
        table.add_column()
        files = list(dict.fromkeys(line.file for line in self.lines))
        for file in files:
            if len(files) > 1:
                table.add_row("", Text(os.path.basename(file), "dim italic"), "")
            for line in (line for line in self.lines if line.file == file):
                source = Text(line.source.strip(), "dim" if line.verdict == "in order" else "")
                notes = Text("\n").join(Text(note, _STYLES[about]) for about, note in line.notes)
                table.add_row(str(line.line), source, notes)
        return table

    def _verdict(self) -> Iterator[RenderableType]:
        repairable = [reason for reason in self.reasons if reason.kind != "ordered"]
        if not repairable:
            yield Text("No overlap was missed.", "green")
        for reason in repairable:
            title = Text(reason.code, _STYLES["missed" if reason.kind == "missed" else "limited"])
            title.append(f"{lost_text(reason.lost)}{_on_lines(reason.places)}", "default")
            yield title
            yield Padding(Text(reason.explanation), (0, 0, 0, 2))
            yield Padding(Text("→ " + reason.remedy), (0, 0, 0, 2))
        ordered = [reason.code for reason in self.reasons if reason.kind == "ordered"]
        if ordered:
            yield Text("In order because the program asks for it: " + ", ".join(ordered) + ".", "dim")

    def __str__(self) -> str:
        text = io.StringIO()
        self.print(Console(file=text, width=100, no_color=True, highlight=False))
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        plain = dataclasses.asdict(self)
        for line, data in zip(self.lines, plain["lines"], strict=True):
            data["verdict"] = line.verdict
            data["notes"] = [note for _, note in line.notes]
        return plain

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def to_html(self) -> str:
        """One self-contained page: the source of each file, with its lines annotated."""
        return page(self)

    def save(self, path: str | Path) -> None:
        """Writes the HTML page to `path`."""
        Path(path).write_text(self.to_html(), encoding="utf-8")

    def _repr_html_(self) -> str:
        return report(self)


def explain(function: Callable[..., Any], *args: Any, **keywords: Any) -> Explanation:
    """Reports what overlapped in a run of a jitted function, what did not, why, and the remedy.

    Args:
        function: What `xcs.jit` or `xcs.vmap` made.
        *args: When given, the function is called with them first, and its result is dropped; a coroutine function is
            awaited on an event loop of its own. Without them the
            report is about its last run; a function that needs no arguments and has not run is called.
        **keywords: As `args`.

    Raises:
        UsageError: The function is not jitted, or it has not run and its arguments are missing.

    Example:
        >>> @xcs.jit
        ... def summaries(documents):
        ...     return [summarize(document) for document in documents]
        >>> print(xcs.explain(summaries, documents))
    """
    jitted = jitted_of(function)
    name = getattr(function, "__qualname__", repr(function))
    if args or keywords or (not jitted.has_run and _needs_nothing(function)):
        _run(function, args, keywords)
    if not jitted.has_run and not jitted.refusal:
        raise UsageError(f"{name} has not run yet; call it, or give explain() its arguments")
    run = stats(jitted)
    if run is None:
        return _whole(name, jitted)
    reasons = tuple(_reasons(run))
    told = {reason.code for reason in reasons}
    return Explanation(name, run, tuple(_lines(run.sites, told)), reasons, "")


def _run(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    made = function(*args, **keywords)
    if inspect.iscoroutine(made):
        try:
            asyncio.run(made)
        except RuntimeError:
            if inspect.getcoroutinestate(made) != inspect.CORO_CREATED:
                raise
            made.close()
            raise UsageError(
                "an event loop is running: await the function, then explain it without arguments"
            ) from None


def _whole(name: str, jitted: Any) -> Explanation:
    """Of a function that ran as it is, because nothing in it that can be looked into reaches an independent call."""
    met: dict[str, list[tuple[str, int, str]]] = {}
    why_whole = "traced" if jitted.was_traced else jitted.refusal
    refused: list[dict[str, Any]] = jitted.runs_whole
    if why_whole:
        refused = [{"reason": why_whole, **_place_of(jitted.function)}]
    for found in refused:
        met.setdefault(found["reason"], []).append((found["file"], found["line"], found["function"]))
    reasons: list[Reason] = []
    waits: dict[tuple[str, int, str], list[Wait]] = {}
    for code, places in met.items():
        kind, explanation, remedy = _core.reasons()[code]
        named = tuple(dict.fromkeys(f"{file}:{line}" for file, line, _ in places))
        reasons.append(Reason(code, kind, explanation, remedy, len(named), 0.0, 0.0, named))
        for place in dict.fromkeys(places):
            waits.setdefault(place, []).append(Wait(code, kind, 1, 0.0, 0.0, None))
    lines = tuple(
        Line(file, line, function, linecache.getline(file, line).rstrip("\n"), 0, 0, tuple(here))
        for (file, line, function), here in sorted(waits.items())
        if line
    )
    if why_whole:
        why = f"{why_whole}."
    elif reasons:
        why = "no call that can be seen in it is independent, and these parts of it are not looked into."
    else:
        why = "no call in it can reach an independent one."
    return Explanation(name, None, lines, tuple(reasons), why)


def _place_of(function: Any) -> dict[str, Any]:
    code = function.__code__
    return {"file": code.co_filename, "line": code.co_firstlineno, "function": function.__qualname__}


def _needs_nothing(function: Callable[..., Any]) -> bool:
    return all(
        p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        for p in inspect.signature(function).parameters.values()
    )


def _reasons(run: Stats) -> Iterator[Reason]:
    """What the program asks for, and what cost enough to be worth a repair."""
    found: dict[str, list[tuple[Site, Wait]]] = {}
    for site in run.sites:
        for wait in site.waits:
            found.setdefault(wait.reason, []).append((site, wait))
    made: list[Reason] = []
    for code, waits in found.items():
        kind, explanation, remedy = _core.reasons()[code]
        lost = sum(wait.lost for _, wait in waits)
        if kind != "ordered" and code != "recursion-limit" and lost < _LEAST_SHARE * run.wall:
            continue
        blamed = {
            (site.file, site.line) if wait.because_of is None else wait.because_of for site, wait in waits
        }
        named = tuple(f"{file}:{line}" for file, line in sorted(blamed) if file)
        times = sum(wait.times for _, wait in waits)
        seconds = sum(wait.seconds for _, wait in waits)
        made.append(Reason(code, kind, explanation, remedy, times, seconds, lost, named))
    yield from sorted(made, key=lambda reason: (_KINDS.index(reason.kind), -reason.lost))


def _lines(sites: Iterable[Site], told: set[str]) -> Iterator[Line]:
    """The lines that stand in a file; what the package itself does is left out unless it can be repaired."""
    by_place: dict[tuple[str, int], list[Site]] = {}
    for site in sites:
        if site.file and (site.issued or any(wait.reason in told for wait in site.waits)):
            by_place.setdefault((site.file, site.line), []).append(site)
    for (file, number), here in sorted(by_place.items()):
        line = Line(
            file=file,
            line=number,
            function=here[0].function,
            source=linecache.getline(file, number).rstrip("\n"),
            calls=sum(site.issued for site in here),
            early=sum(site.early for site in here),
            waits=tuple(_waits(here, told)),
        )
        if file not in _OWN_FILES or line.verdict != "in order":
            yield line


def _waits(sites: Iterable[Site], told: set[str]) -> list[Wait]:
    """The waits of the sites on one line, those for one reason and because of one line as one."""
    found: dict[tuple[str, tuple[str, int] | None], Wait] = {}
    for site in sites:
        for wait in site.waits:
            if wait.reason not in told:
                continue
            because_of = None if wait.because_of == (site.file, site.line) else wait.because_of
            before = found.get(
                (wait.reason, because_of), Wait(wait.reason, wait.kind, 0, 0.0, 0.0, because_of)
            )
            found[wait.reason, because_of] = dataclasses.replace(
                before,
                times=before.times + wait.times,
                seconds=before.seconds + wait.seconds,
                lost=before.lost + wait.lost,
            )
    return sorted(found.values(), key=lambda wait: (_KINDS.index(wait.kind), -wait.lost))


def lost_text(seconds: float) -> str:
    """As it stands behind a reason's code; nothing where no time is known."""
    return f"  {seconds:.2f} s lost" if seconds else ""


def _on_lines(places: tuple[str, ...]) -> str:
    numbers = [place.rpartition(":")[2] for place in places]
    if not numbers:
        return ""
    return (" on line " if len(numbers) == 1 else " on lines ") + ", ".join(numbers)
