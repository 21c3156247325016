"""`xcs bench basics`: what jit and vmap make of the simplest sequential functions, against the bound."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from xcs._contracts import op
from xcs._jit import jit
from xcs._llm import llm
from xcs._simulator import Simulator
from xcs._vmap import vmap

Ask = Callable[[str], str]

# Parallel runs of which the median counts. The sequential run, which is long, is made once.
_REPEATS = 5


# --- The functions: plain sequential code --------------------------------------------------------------------------


def ten_calls(ask: Ask) -> list[str]:
    answers: list[str] = []
    for i in range(10):
        answers.append(ask(f"operation {i}"))
    return answers


def comprehension(ask: Ask) -> list[str]:
    return [ask(f"element {i}") for i in range(10)]


def three_steps(ask: Ask) -> list[str]:
    results: list[str] = []
    for i in range(5):
        draft = ask(f"draft {i}")
        critique = ask(f"critique {draft}")
        results.append(ask(f"improve {draft} by {critique}"))
    return results


def ask_about(ask: Ask, item: int) -> str:
    return ask(f"item {item}")


def batch(ask: Ask) -> list[str]:
    return [ask_about(ask, item) for item in range(10)]


def two_comprehensions(ask: Ask) -> str:
    summaries = [ask(f"summarise {i}") for i in range(10)]
    keywords = [ask(f"keywords of {i}") for i in range(10)]
    return ask("combine " + " ".join(summaries) + " ".join(keywords))


# --- Measuring them ------------------------------------------------------------------------------------------------


def _vmapped(ask: Ask) -> Any:
    return _over_items(ask, list(range(10)))


_over_items = vmap(ask_about, in_axes=(None, 0))


@dataclass(frozen=True)
class Case:
    """One function: as it is, and as it runs in parallel."""

    name: str
    sequential: Callable[[Ask], Any]
    parallel: Callable[[Ask], Any]
    latency_ms: int
    calls: int
    rounds: int


CASES = (
    Case("10 operations of 0.1 s", ten_calls, jit(ten_calls), 100, 10, 1),
    Case("list comprehension, 10 calls", comprehension, jit(comprehension), 100, 10, 1),
    Case("5 items, 3 steps of 0.05 s", three_steps, jit(three_steps), 50, 15, 3),
    Case("vmap over 10 items", batch, _vmapped, 100, 10, 1),
    Case("2 comprehensions, combined", two_comprehensions, jit(two_comprehensions), 100, 21, 2),
)


@dataclass(frozen=True)
class Row:
    """What one case came to; times in seconds."""

    case: Case
    sequential: float
    parallel: float

    @property
    def speedup(self) -> float:
        """How many times sooner the parallel run is done."""
        return self.sequential / self.parallel

    @property
    def bound(self) -> float:
        """The speed-up that the longest chain of dependent calls allows."""
        return self.case.calls / self.case.rounds


def measure(case: Case, ask: Ask) -> Row:
    """Runs the case both ways, the parallel way first once to read the function and open connections."""
    case.parallel(ask)
    sequential, expected = _timed(case.sequential, ask)
    runs = [_timed(case.parallel, ask) for _ in range(_REPEATS)]
    if any(result != expected for _, result in runs):
        raise AssertionError(f"{case.name}: a parallel result differs from the sequential one")
    return Row(case, sequential, statistics.median(seconds for seconds, _ in runs))


def _timed(function: Callable[[Ask], Any], ask: Ask) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function(ask)
    return time.perf_counter() - start, result


@contextlib.contextmanager
def sleeping(latency_ms: int) -> Generator[Ask, None, None]:
    """A Python callable that sleeps."""

    @op(effect="independent", returns="atom")
    def ask(prompt: str) -> str:
        time.sleep(latency_ms / 1000)
        return f"answer to {prompt}"

    yield ask


@contextlib.contextmanager
def over_http(latency_ms: int) -> Generator[Ask, None, None]:
    """Calls to a simulator of its own."""
    with Simulator(latency_ms=latency_ms) as simulator:
        yield lambda prompt: llm(prompt, model="any", base_url=simulator.base_url, api_key="any")


def run_basics(console: Console) -> None:
    """Prints one table for sleeping Python callables and one for HTTP calls to the simulator."""
    _print(console, "Python callables that sleep", sleeping)
    _print(console, "HTTP calls to the simulator", over_http)


def _print(console: Console, title: str, asking: Callable[[int], AbstractContextManager[Ask]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in ("sequential", "parallel", "speed-up", "bound", "of bound"):
        table.add_column(column, justify="right")
    for case in CASES:
        with console.status(f"{title}: {case.name}"), asking(case.latency_ms) as ask:
            row = measure(case, ask)
        table.add_row(
            case.name,
            f"{row.sequential:.3f} s",
            f"{row.parallel:.3f} s",
            f"{row.speedup:.1f}x",
            f"{row.bound:.1f}x",
            f"{row.speedup / row.bound:.2f}",
        )
    console.print(table)
    console.print()
