"""`xcs bench costs`: what jit itself costs, each figure beside what it replaces, from one run."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import linecache
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

import xcs

CALLS = 5_000
TURNS = 300_000
ENTRIES = 100_000
LINES = 500
IN_FLIGHT = 100_000

_numbers = itertools.count()


@xcs.op(effect="independent", returns="atom")
def nothing(value: int) -> int:
    return value


@xcs.jit
def many_calls(count: int) -> int:
    answers: list[int] = []
    for i in range(count):
        answers.append(nothing(i))
    return len(answers)


def gathered(count: int) -> int:
    async def nothing_async(value: int) -> int:
        return value

    async def gather() -> int:
        return len(await asyncio.gather(*[nothing_async(i) for i in range(count)]))

    return asyncio.run(gather())


def plain_loop(turns: int) -> int:
    total = 0
    by_digit: dict[int, int] = {}
    kept: list[int] = []
    for i in range(turns):
        total += i * 3 % 7
        by_digit[i % 10] = total
        kept.append(total)
        if total % 2:
            total -= 1
    return total + len(by_digit) + len(kept)


def identity(value: int) -> int:
    return value


@xcs.jit
def one_call(value: int) -> int:
    return nothing(value)


def _enter(function: Callable[[int], int], count: int) -> None:
    for i in range(count):
        function(i)


def _journaled(folder: str, count: int) -> None:
    with xcs.config(journal=f"{folder}/kept.db"):
        many_calls(count)


def _recalled(folder: str, count: int) -> float:
    """Seconds of a run that finds all its answers in a journal."""
    path = f"{folder}/recalled.db"
    took = 0.0
    for _ in range(2):
        with contextlib.suppress(KeyboardInterrupt), xcs.config(journal=path):
            took = _seconds(many_calls, count, repeats=1)
            raise KeyboardInterrupt  # leaves the journal as an interrupted program does
    return took


def _lowered(lines: int) -> tuple[float, float]:
    """Seconds of the first call of a function of so many lines beyond those of the second, and of its compilation."""
    turns = "".join(
        f"    a{i} = nothing(x + {i})\n    if a{i} > {i} and x:\n        out.append((a{i}, {i} + total * 2))\n"
        f"    total = total + len(out) - {i}\n    d{i} = {{'a': a{i}, 'of': [total, x]}}\n"
        for i in range(lines // 5)
    )
    source = f"def straight(x):\n    out, total = [], 0\n{turns}    return total\n"
    name = f"<xcs bench {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    start = time.perf_counter()
    code = compile(source, name, "exec")
    compiled = time.perf_counter() - start
    namespace: dict[str, Any] = {"nothing": nothing}
    exec(code, namespace)
    function = xcs.jit(namespace["straight"])
    first = _seconds(function, 1, repeats=1)
    return first - _seconds(function, 1), compiled


class _Gate:
    """Awaitable calls that all wait until `count` of them are in flight."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._waiting = 0
        self._open = asyncio.Event()
        self.resident = 0  # bytes of the process when they all were

    async def pass_through(self, value: int) -> int:
        self._waiting += 1
        if self._waiting == self._count:
            self.resident = _resident()
            self._open.set()
        await self._open.wait()
        return value


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _in_flight(count: int, *, jitted: bool) -> tuple[float, float]:
    """Processor seconds and bytes per call of so many awaited calls in flight at once."""

    async def run() -> tuple[float, float]:
        gate = _Gate(count)
        call = xcs.op(effect="independent", returns="atom")(gate.pass_through)

        async def all_of_them() -> int:
            answers: list[int] = []
            for i in range(count):
                answers.append(await call(i))
            return len(answers)

        before, start = _resident(), time.process_time()
        if jitted:
            await xcs.jit(max_in_flight=count, window=4 * count)(all_of_them)()
        else:
            await asyncio.gather(*[gate.pass_through(i) for i in range(count)])
        return time.process_time() - start, gate.resident - before

    seconds, resident = asyncio.run(run())
    return seconds / count, resident / count


def print_in_flight(console: Console) -> None:
    """Prints what a call costs of which many are in flight at once."""
    table = Table(title="Awaited calls in flight at once", title_justify="left")
    for column in ("", "with xcs", "bytes a call", "asyncio.gather", "bytes a call"):
        table.add_column(column, justify="left" if column == "" else "right")
    for count in (1_000, IN_FLIGHT):
        ours, our_bytes = _in_flight(count, jitted=True)
        theirs, their_bytes = _in_flight(count, jitted=False)
        table.add_row(
            f"{count:,}",
            f"{ours * 1e6:.1f} µs",
            f"{our_bytes:,.0f}",
            f"{theirs * 1e6:.1f} µs",
            f"{their_bytes:,.0f}",
        )
    console.print(table)


def _seconds(function: Callable[..., Any], *args: Any, repeats: int = 5) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function(*args)
        best = min(best, time.perf_counter() - start)
    return best


def run_costs(console: Console) -> None:
    """Prints the cost of a call, of a loop and of an entry under jit, and of what stands beside each."""
    looped, entered = xcs.jit(plain_loop), xcs.jit(identity)
    # Lowered on the first call.
    many_calls(100)
    looped(10)
    entered(0)
    call, gather = _seconds(many_calls, CALLS) / CALLS, _seconds(gathered, CALLS) / CALLS
    loop, cpython = _seconds(looped, TURNS) / TURNS, _seconds(plain_loop, TURNS) / TURNS
    entry, direct = (
        _seconds(_enter, entered, ENTRIES) / ENTRIES,
        _seconds(_enter, identity, ENTRIES) / ENTRIES,
    )
    calling, called = _seconds(_enter, one_call, CALLS) / CALLS, _seconds(_enter, nothing, CALLS) / CALLS
    lower, compiled = (
        min(seconds) / LINES for seconds in zip(*(_lowered(LINES) for _ in range(3)), strict=True)
    )
    with tempfile.TemporaryDirectory() as folder:
        journal = _seconds(_journaled, folder, CALLS) / CALLS
        recall = _recalled(folder, CALLS) / CALLS
    table = Table(title="What jit costs", title_justify="left")
    for column in ("", "with xcs", "without", "ratio", "what stands beside it"):
        table.add_column(column, justify="left" if column in ("", "what stands beside it") else "right")
    rows = [
        ("an independent call that does nothing", call, gather, "asyncio.gather over coroutines"),
        ("the same, its answer kept in a journal", journal, call, "the call without a journal"),
        ("the same, answered from a journal", recall, call, "the call without a journal"),
        ("a turn of a loop without such calls", loop, cpython, "the plain function"),
        ("entering a function without such calls", entry, direct, "the plain function"),
        ("entering a function that makes one", calling, called, "the call alone, without jit"),
        ("lowering a line, once", lower, compiled, "compile() of the line"),
    ]
    for name, ours, theirs, beside in rows:
        table.add_row(name, f"{ours * 1e6:.2f} µs", f"{theirs * 1e6:.2f} µs", f"{ours / theirs:.2f}", beside)
    console.print(table)
    if sys.platform == "linux":
        print_in_flight(console)
