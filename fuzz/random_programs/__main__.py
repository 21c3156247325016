"""Compares random programs with their sequential runs, until it is told to stop or something differs.

python -m random_programs [--seed N] [--programs N] [--seconds S] [--jobs N] [--keep-going] [--into FOLDER]

A difference is printed with its seed, and with a small program that shows it and is ready for tests/regress/programs;
the exit status is then 1. `--show` prints the program of a seed; `--file` checks or shrinks a program of one's own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

from random_programs import compare
from random_programs.compare import check, plans
from random_programs.definitions import generate
from random_programs.shrink import apart, differs, kind, shrunk

_BATCH = 40  # programs in one process


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="random_programs", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=1 << 60)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=8, help="of each program")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--into", type=Path, help="a folder for the small programs")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--ignore", default="", help="a part of the observation that is not compared")
    parser.add_argument("--show", action="store_true", help="print the seed's program")
    parser.add_argument("--file", type=Path, help="a program to check")
    return parser.parse_args()


def _batch(seeds: range, number: int, deadline: float) -> str:
    """Checks programs one after another; says how many runs were made, and which seed differs."""
    runs = programs = 0
    for seed in seeds:
        if time.monotonic() > deadline:
            break
        checked = check(generate(seed), f"program {seed}", plans(seed, number))
        runs += checked.runs
        programs += 1
        if checked.difference is not None:
            return f"{programs} {runs} {seed} {checked.difference}"
    return f"{programs} {runs}"


def _one_by_one(seeds: range, number: int) -> tuple[int, str] | None:
    """The first seed that crashes, hangs or differs when it is run alone."""
    for seed in seeds:
        found = differs(generate(seed), plans(seed, number))
        if found:
            return seed, found
    return None


class _Hunt:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.programs = self.runs = self.differences = 0

    def run(self) -> int:
        given = self.arguments
        deadline = time.monotonic() + given.seconds
        seed, last = given.seed, given.seed + given.programs
        while seed < last and time.monotonic() < deadline:
            seeds = range(seed, min(seed + _BATCH, last))
            answer = apart(lambda seeds=seeds: _batch(seeds, given.runs, deadline), patience=60)
            words = answer.split(" ", 3)
            if words[0].isdigit():
                self.programs += int(words[0])
                self.runs += int(words[1])
                seed += int(words[0])
                if len(words) == 2:
                    continue
                found = (int(words[2]), words[3])
            else:
                alone = _one_by_one(seeds, given.runs)
                if alone is None:
                    print(f"programs {seeds.start} to {seeds.stop - 1}: {answer}, but none when run alone")
                    seed = seeds.stop
                    self.differences += 1
                    continue
                found = alone
                seed = found[0] + 1
            self.report(*found)
            if not given.keep_going:
                break
        print(f"{self.programs} programs, {self.runs} runs, {self.differences} differences")
        return 1 if self.differences else 0

    def report(self, seed: int, found: str) -> None:
        self.differences += 1
        print(f"program {seed}: {found}", flush=True)
        if self.arguments.no_shrink:
            return
        small = shrunk(generate(seed), plans(seed, self.arguments.runs), found)
        text = f'"""Program {seed}: {kind(found)}."""\n\n{small}\n'
        print(text, flush=True)
        if self.arguments.into:
            (self.arguments.into / f"program_{seed}.py").write_text(text)


def main() -> int:
    """The command."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets, and so the programs' behaviour
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "random_programs", *sys.argv[1:]])
    warnings.simplefilter("ignore")
    arguments = _arguments()
    compare.IGNORED.add(arguments.ignore)
    if arguments.show:
        print(generate(arguments.seed))
        return 0
    if arguments.file:
        source = arguments.file.read_text()
        todo = plans(arguments.seed, 24)
        found = differs(source, todo)
        print(found or "no difference")
        if found and not arguments.no_shrink:
            print(shrunk(source, todo, found))
        return 1 if found else 0
    return _Hunt(arguments).run()


if __name__ == "__main__":
    sys.exit(main())
