"""Runs the litmus cases under random schedules and compares each run with the sequential one of the same schedule.

Prints a row for each case and a line for each difference; the status is 1 when there is one. `make litmus` runs all
cases under 50 schedules each, half of which make some of the calls fail.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xcs
from litmus import cases
from litmus.cases import Case, Schedule

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EPOCHS = (0, 1)

for independent in cases.INDEPENDENT:
    xcs.declare(independent, effect="independent")


@dataclass(frozen=True)
class Expected:
    """Of one case; the pairs are for the epochs.

    Attributes:
        rounds: The length of the longest chain of calls of which each needs the one before.
        reached: The same of the run, as the engine is.
        because: Why it is longer, when it is.
    """

    rounds: tuple[int, int]
    reached: tuple[int, int]
    because: str


@dataclass
class Row:
    """What the runs of one case came to.

    Attributes:
        calls: Independent calls of the program when nothing is made to fail, by epoch.
        rounds: The shortest that the longest chain of calls was, by epoch.
        most_in_flight: The most calls in flight in any run.
        differences: One line each.
    """

    name: str
    expected: Expected
    schedules: int = 0
    calls: dict[int, int] = field(default_factory=dict)
    rounds: dict[int, int] = field(default_factory=dict)
    most_in_flight: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def overlaps(self) -> bool:
        """Whether calls overlap in a run as the engine is."""
        return any(self.calls[epoch] > self.expected.reached[epoch] for epoch in EPOCHS)


def expectations(file: Path = Path(__file__).with_name("expected.toml")) -> dict[str, Expected]:
    """By the name of the case."""
    found = {}
    for name, line in tomllib.loads(file.read_text("utf-8")).items():
        rounds = _pair(line["rounds"])
        found[name] = Expected(rounds, _pair(line.get("reached", rounds)), line.get("because", ""))
    return found


def _pair(rounds: Any) -> tuple[int, int]:
    first, second = (rounds, rounds) if isinstance(rounds, int) else rounds
    return first, second


def check(case: Case, expected: Expected, seeds: Iterable[int]) -> Row:
    """Runs a case under the schedules of the seeds, in each epoch."""
    row = Row(case.name, expected)
    for seed in seeds:
        row.schedules += 1
        for epoch in EPOCHS:
            _compare(row, case, Schedule(seed, epoch))
    for epoch, rounds in row.rounds.items():
        if rounds != expected.reached[epoch]:
            row.differences.append(f"epoch {epoch}: {rounds} rounds, not {expected.reached[epoch]}")
    if row.rounds and row.overlaps != (row.most_in_flight > 1):
        row.differences.append(f"{row.most_in_flight} calls in flight at most")
    return row


def _compare(row: Row, case: Case, schedule: Schedule) -> None:
    wanted = cases.observe(case, case.function, schedule)
    wanted_calls = cases.calls()
    jitted = xcs.jit(case.function)
    actual = cases.observe(case, jitted, schedule)
    calls = cases.calls()
    for part, text in wanted.items():
        if actual[part] != text:
            row.differences.append(f"{schedule}: {part}: {text} -> {actual[part]}")
    # A call that comes after an exception may have been made for nothing.
    if not (
        calls == wanted_calls if _nothing_fails(case, schedule) else Counter(calls) >= Counter(wanted_calls)
    ):
        row.differences.append(f"{schedule}: calls: {wanted_calls} -> {calls}")
    stats = xcs.stats(jitted)
    if stats is not None:
        row.most_in_flight = max(row.most_in_flight, stats.most_in_flight)
    if not schedule.fails:
        row.calls[schedule.epoch] = len(wanted_calls)
        rounds = len(calls) if stats is None else stats.rounds + _in_order(len(calls), stats)
        row.rounds[schedule.epoch] = min(row.rounds.get(schedule.epoch, rounds), rounds)


def _nothing_fails(case: Case, schedule: Schedule) -> bool:
    return not case.bad and not schedule.fails


def _in_order(calls: int, stats: xcs.Stats) -> int:
    """How many of the calls were made by code that ran as CPython runs it."""
    return calls - stats.calls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of cases; all when none is given")
    parser.add_argument("--schedules", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule")
    arguments = parser.parse_args()
    expected = expectations()
    rows = []
    print(
        f"{'case':24} {'schedules':>9} {'calls':>8} {'rounds':>8} {'reached':>8} {'in flight':>9} differences"
    )
    for case in cases.CASES:
        if arguments.names and case.name not in arguments.names:
            continue
        seeds = range(arguments.seed, arguments.seed + arguments.schedules)
        row = check(case, expected[case.name], seeds)
        rows.append(row)
        pairs = [tuple(row.calls.values()), row.expected.rounds, tuple(row.rounds.values())]
        cells = " ".join(f"{_shown(pair):>8}" for pair in pairs)
        print(
            f"{row.name:24} {row.schedules:9} {cells} {row.most_in_flight:9} {len(row.differences):11}",
            flush=True,
        )
        for difference in row.differences:
            print(f"    {difference}", flush=True)
    same = sum(not row.differences for row in rows)
    short = sum(row.expected.reached == row.expected.rounds for row in rows)
    print(f"{same} of {len(rows)} cases give the sequential observation in the rounds they are expected to")
    print(f"{short} of {len(rows)} are run in no more rounds than their calls need")
    return 0 if same == len(rows) else 1


def _shown(pair: tuple[int, ...]) -> str:
    return "/".join(str(each) for each in dict.fromkeys(pair))


if __name__ == "__main__":
    sys.exit(main())
