"""`xcs demo`: ordinary workflows, run line by line and under jit, against a simulator of the demo's own."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from xcs import _workflows
from xcs._explain import explain
from xcs._jit import Stats, jit, stats
from xcs._simulator import Simulator


@dataclass(frozen=True)
class Workflow:
    """A function and what to call it with."""

    title: str
    function: Callable[..., Any]
    args: tuple[Any, ...]


WORKFLOWS = (
    Workflow("documents", _workflows.analyze_documents, ([f"document {i}" for i in range(12)],)),
    Workflow("tree of thoughts", _workflows.tree_of_thoughts, ("How do we get there?", 3)),
    Workflow("vote", _workflows.vote, ("Which colour is it?", 16)),
)


@dataclass(frozen=True)
class Observation:
    """What a caller can tell of one run: what it returned or raised, and what it printed."""

    outcome: str
    printed: str


@dataclass(frozen=True)
class Comparison:
    """One workflow, run both ways; times in seconds."""

    workflow: Workflow
    sequential: float
    parallel: float
    stats: Stats
    identical: bool


def run_demo(console: Console, latency_ms: int) -> bool:
    """Runs every workflow both ways and prints what came of it. Returns whether all observations agree."""
    with Simulator(latency_ms=latency_ms) as simulator, _environment(simulator):
        console.print(
            f"Three workflows in plain Python, and a simulated model that answers after {latency_ms} ms.\n"
            "Each runs line by line, then under @xcs.jit, unchanged.\n"
        )
        compared = [_compare(console, simulator, workflow) for workflow in WORKFLOWS]
    console.print(_table(compared))
    return all(one.identical for one in compared)


def _compare(console: Console, simulator: Simulator, workflow: Workflow) -> Comparison:
    console.rule(Text(workflow.title, "bold"), align="left", style="dim")
    source = Syntax(
        inspect.getsource(workflow.function), "python", theme="ansi_dark", background_color="default"
    )
    console.print(Padding(source, (1, 0, 0, 2)))
    # The simulator has no limit to feel for, so that calls need not start with a few at a time.
    jitted = jit(workflow.function).with_config(max_in_flight=64)
    sequential, expected = _run(console, simulator, "line by line", workflow.function, workflow.args)
    parallel, observed = _run(console, simulator, "with xcs", jitted, workflow.args)
    counted = stats(jitted)
    assert counted is not None  # every workflow calls the model
    console.print()
    explain(jitted).print(console)
    console.print()
    return Comparison(workflow, sequential, parallel, counted, expected == observed)


def _run(
    console: Console, simulator: Simulator, how: str, function: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[float, Observation]:
    with _progress(console, simulator, how):
        start = time.perf_counter()
        observation = _observe(function, args)
        seconds = time.perf_counter() - start
    last = observation.printed.splitlines()[-1:]
    console.print(
        Text(f"  {how:14}{seconds:6.2f} s   ") + Text("; ".join(["printed last: " + s for s in last]), "dim")
    )
    return seconds, observation


def _observe(function: Callable[..., Any], args: tuple[Any, ...]) -> Observation:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            outcome = repr(function(*args))
        except _workflows.NoKeywordsError as error:
            outcome = f"raised {error!r}"
    return Observation(outcome, printed.getvalue())


@contextlib.contextmanager
def _environment(simulator: Simulator) -> Generator[None, None, None]:
    """Makes the simulator the server that model calls use."""
    given = {"OPENAI_BASE_URL": simulator.base_url, "OPENAI_API_KEY": "any"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _progress(console: Console, simulator: Simulator, how: str) -> Generator[None, None, None]:
    """Shows one line about the calls of the block, as the server counts them."""
    simulator.reset()
    done = threading.Event()
    with Live(console=console, refresh_per_second=20, transient=True, redirect_stdout=False) as live:

        def watch() -> None:
            start = time.perf_counter()
            while not done.wait(0.05):
                counters = simulator.stats()
                flying = counters["in_flight"]
                seconds = time.perf_counter() - start
                answered = counters["requests"] - flying
                live.update(Text(f"  {how:14}{seconds:6.2f} s   {answered} answered, {flying} in flight"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _table(compared: list[Comparison]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), title="In all", title_justify="left", title_style="bold")
    table.add_column("", no_wrap=True)
    for column in ("calls", "sequential", "with xcs", "critical path", "speed-up", "bound", "observation"):
        table.add_column(column, justify="right")
    for one in compared:
        table.add_row(
            one.workflow.title,
            str(one.stats.calls),
            f"{one.sequential:.2f} s",
            f"{one.parallel:.2f} s",
            f"{one.stats.critical_path:.2f} s",
            f"{one.sequential / one.parallel:.1f}x",
            f"{one.sequential / one.stats.critical_path:.1f}x",
            Text("identical", "green") if one.identical else Text("DIFFERS", "bold red"),
        )
    return table
