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
from xcs._jit import Site, Stats, jitted_of, stats

# What is to be repaired comes first, what has to be as it is last.
_KINDS = ("missed", "limit", "ordered")
# Of the wall time: what waited for less is not reported as missed.
_LEAST_SHARE = 0.01
# Columns kept free for line numbers and notes.
_NOTE_WIDTH = 46
_OWN_FILES = (_prelude.__file__, _vmap.__file__)
_STYLES = {"missed": "red", "limited": "yellow", "overlaps": "green", "in order": "dim"}


@dataclasses.dataclass(frozen=True)
class Wait:
    """Why things on one line waited.

    Attributes:
        reason: The stable code; docs/reasons.md explains each.
        kind: `"missed"` (they could overlap and do not), `"limit"` (a limit that was set) or `"ordered"` (the
            order is what the program asks for).
        times: How often.
        seconds: For how long, all waits added up; waits overlap, so this may exceed the run's wall time.
    """

    reason: str
    kind: str
    times: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the program that started independent calls or waited.

    Attributes:
        file: Where it stands; with `line`, the number, and `function`, the qualified name.
        source: Its text.
        calls: Independent calls started from this line.
        early: Of these, how many started while something before them was unfinished.
        waits: Why things on it waited, what is to be repaired first.
    """

    file: str
    line: int
    function: str
    source: str
    calls: int
    early: int
    waits: tuple[Wait, ...]

    @property
    def verdict(self) -> str:
        """`"missed"`, `"limited"`, `"overlaps"` or `"in order"`."""
        kinds = {wait.kind for wait in self.waits}
        if "missed" in kinds:
            return "missed"
        if "limit" in kinds:
            return "limited"
        return "overlaps" if self.calls else "in order"

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What happened in a few words each, with the verdict that each speaks for."""
        notes = []
        if self.calls:
            notes.append(("overlaps" if self.early or self.calls == 1 else "in order", self._calls()))
        for wait in self.waits:
            if wait.kind != "ordered":
                verdict = "missed" if wait.kind == "missed" else "limited"
                notes.append((verdict, f"{verdict}: {wait.reason}, {wait.seconds:.2f} s"))
        if self.verdict == "in order" or (self.calls > 1 and not self.early):
            ordered = [wait.reason for wait in self.waits if wait.kind == "ordered"]
            notes += [("in order", "in order: " + ", ".join(ordered))] if ordered else []
        return tuple(notes)

    def _calls(self) -> str:
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        if self.early >= max(self.calls - 1, 1):  # the first call of a run has nothing before it
            return f"{calls} overlap" if self.calls > 1 else f"{calls} overlaps"
        if self.early:
            return f"{calls}, {self.early} overlap"
        return calls if self.calls == 1 else f"{calls}, one after another"


@dataclasses.dataclass(frozen=True)
class Reason:
    """Everything in a run that waited for one reason.

    Attributes:
        code: As in docs/reasons.md.
        kind: As in `Wait`.
        explanation: One sentence.
        remedy: What to change; empty when there is nothing to repair.
        times: How often something waited.
        seconds: For how long, all waits added up.
        places: `"file:line"` of each line concerned.
    """

    code: str
    kind: str
    explanation: str
    remedy: str
    times: int
    seconds: float
    places: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The report of one run: print it, or take its lines, its JSON or its HTML page.

    Attributes:
        function: The qualified name.
        stats: The run's counters; None when the function ran line by line.
        lines: The lines that started calls or waited, by file and number.
        reasons: Why they waited, what is to be repaired first.
        whole: Why the function ran line by line; empty when it did not.
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
        if self.stats is not None:
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
            title.append(f"  {reason.seconds:.2f} s{_on_lines(reason.places)}", "default")
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
    if not jitted.has_run:
        raise UsageError(f"{name} has not run yet; call it, or give explain() its arguments")
    run = stats(jitted)
    if run is None:
        return Explanation(name, None, (), (), _why_whole(jitted.refusal))
    sites = [
        site if _matters(site, run.wall) else dataclasses.replace(site, reason=None) for site in run.sites
    ]
    return Explanation(name, run, tuple(_lines(sites)), tuple(_reasons(sites)), "")


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


def _why_whole(refusal: str) -> str:
    if not refusal:
        return "no call in it can reach an independent one."
    _, explanation, remedy = _core.reasons()[refusal]
    return f"{refusal}. {explanation} {remedy}"


def _needs_nothing(function: Callable[..., Any]) -> bool:
    return all(
        p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        for p in inspect.signature(function).parameters.values()
    )


def _matters(site: Site, wall: float) -> bool:
    """Whether it waited for long enough to be worth a repair, or in the order that the program asks for."""
    return site.reason is None or _kind(site.reason) == "ordered" or site.seconds >= _LEAST_SHARE * wall


def _kind(reason: str) -> str:
    kind: str = _core.reasons()[reason][0]
    return kind


def _lines(sites: Iterable[Site]) -> Iterator[Line]:
    """The lines that stand in a file; what the package itself does is left out unless it can be repaired."""
    by_place: dict[tuple[str, int], list[Site]] = {}
    for site in sites:
        if site.file and (site.issued or site.reason):
            by_place.setdefault((site.file, site.line), []).append(site)
    for (file, number), here in sorted(by_place.items()):
        line = Line(
            file=file,
            line=number,
            function=here[0].function,
            source=linecache.getline(file, number).rstrip("\n"),
            calls=sum(site.issued for site in here),
            early=sum(site.early for site in here),
            waits=tuple(_waits(here)),
        )
        if file not in _OWN_FILES or line.verdict != "in order":
            yield line


def _waits(sites: Iterable[Site]) -> list[Wait]:
    """The reasons of some sites, each once; what had to wait for its turn comes before what waited for that."""
    found: dict[str, Wait] = {}
    for site in sorted(sites, key=lambda site: not site.in_order):
        if site.reason is not None:
            kind = _kind(site.reason)
            before = found.get(site.reason, Wait(site.reason, kind, 0, 0.0))
            times, seconds = before.times + site.waited, before.seconds + site.seconds
            found[site.reason] = Wait(site.reason, kind, times, seconds)
    return sorted(found.values(), key=lambda wait: _KINDS.index(wait.kind))


def _reasons(sites: list[Site]) -> Iterator[Reason]:
    for wait in _waits(sites):
        waiting = [site for site in sites if site.reason == wait.reason and site.file]
        places = sorted({(site.file, site.line) for site in waiting})
        kind, explanation, remedy = _core.reasons()[wait.reason]
        named = tuple(f"{file}:{line}" for file, line in places)
        yield Reason(wait.reason, kind, explanation, remedy, wait.times, wait.seconds, named)


def _on_lines(places: tuple[str, ...]) -> str:
    numbers = [place.rpartition(":")[2] for place in places]
    if not numbers:
        return ""
    return (" on line " if len(numbers) == 1 else " on lines ") + ", ".join(numbers)
