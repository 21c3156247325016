"""Runs every test suite and ends with one line, `N passed, M failed`, that counts all of them.

Expects what `make test` builds: the C++ tests in build/dev, and the extension in the Python package. The
counts come from the JUnit files that the runners write, not from their text. A suite that ran no test, or
whose runner failed without a failing test, counts as one failure. Exits with status 1 on any failure.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "test-results"
# Holds the last line, for whoever must repeat it.
SUMMARY = RESULTS / "summary"


@dataclass(frozen=True)
class Suite:
    """A name, and the command that runs it and writes `results` in JUnit's format."""

    name: str
    command: list[str]
    results: Path


@dataclass(frozen=True)
class Outcome:
    """What a suite's tests came to."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def suites(jobs: int) -> list[Suite]:
    """The suites of this project, in the order in which they run."""
    cpp = RESULTS / "cpp.xml"
    python = RESULTS / "python.xml"
    ctest = ["ctest", "--test-dir", "build/dev", "--parallel", str(jobs), "--output-on-failure"]
    pytest = [sys.executable, "-m", "pytest", "-q", "--tb=short"]
    return [
        Suite("C++", [*ctest, "--output-junit", str(cpp)], cpp),
        Suite("Python", [*pytest, f"--junitxml={python}"], python),
    ]


def count(results: Path) -> Outcome:
    """Counts the test cases in a JUnit file; raises if there is none that can be read."""
    cases = list(ET.parse(results).iter("testcase"))
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Outcome(len(cases) - failed - skipped, failed, skipped)


def run(suite: Suite) -> Outcome:
    """Runs one suite, and says how a runner failed if its failure is not a test's."""
    suite.results.unlink(missing_ok=True)
    status = subprocess.run(suite.command, cwd=ROOT, check=False).returncode
    if not suite.results.exists():
        print(f"{suite.name}: the runner ended with status {status} and wrote no results")
        return Outcome(0, 1, 0)
    outcome = count(suite.results)
    if outcome.passed + outcome.failed == 0:
        print(f"{suite.name}: no test ran")
        return Outcome(0, 1, outcome.skipped)
    if status != 0 and outcome.failed == 0:
        print(f"{suite.name}: the runner ended with status {status}, though no test failed")
        return Outcome(outcome.passed, 1, outcome.skipped)
    return outcome


def run_all(to_run: list[Suite]) -> Outcome:
    """Runs the suites and prints a line for each, then the line for all."""
    lines: list[str] = []
    outcomes: list[Outcome] = []
    for suite in to_run:
        print(f"== {suite.name} tests", flush=True)
        started = time.monotonic()
        outcome = run(suite)
        outcomes.append(outcome)
        lines.append(f"{suite.name}: {outcome} in {time.monotonic() - started:.0f} s")
    total = Outcome(
        sum(outcome.passed for outcome in outcomes),
        sum(outcome.failed for outcome in outcomes),
        sum(outcome.skipped for outcome in outcomes),
    )
    print("\n".join(["", *lines]))
    line = f"{total.passed} passed, {total.failed} failed"
    SUMMARY.write_text(line + "\n")
    print(line, flush=True)
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="how many C++ tests run at a time")
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    return 1 if run_all(suites(arguments.jobs)).failed else 0


if __name__ == "__main__":
    sys.exit(main())
