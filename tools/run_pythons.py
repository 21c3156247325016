"""Builds the extension for other interpreters and runs the Python tests on each of them.

Each interpreter gets an environment and a build of its own below build/, beside which those of `make build` stay as
they are. One that is not installed is left out, and said to be. The last line counts all tests, as that of run_tests.py
does; the status is 1 when a test failed, a build failed, or no interpreter was found.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from run_tests import RESULTS, ROOT, Suite, run_all

# What depends on the interpreter; the C++ tests and those of the tools do not.
FOLDERS = ["python", "litmus", "patterns", "programs", "regress", "explain", "registry"]


def version(python: str) -> str | None:
    """The version that the interpreter says it has; None when it does not run."""
    try:
        said = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return said.stdout.strip() if said.returncode == 0 else None


def build(python: str, jobs: int) -> str | None:
    """Builds for the interpreter; the path of its environment's own, or None when that failed."""
    folder = f"build/{os.path.basename(python)}"
    command = ["make", "build", f"PYTHON={python}", f"ENVIRONMENT={folder}/venv", f"RELEASE={folder}"]
    status = subprocess.run([*command, f"JOBS={jobs}"], cwd=ROOT, check=False).returncode
    return str(ROOT / folder / "venv/bin/python") if status == 0 else None


def suite(name: str, python: str, arguments: list[str]) -> Suite:
    """The tests on the interpreter `python`."""
    results = RESULTS / f"{name.replace(' ', '-')}.xml"
    command = [python, "-m", "pytest", "-q", "--tb=short", f"--junitxml={results}"]
    return Suite(name, [*command, *(arguments or [f"tests/{folder}" for folder in FOLDERS])], results)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+", help="interpreters, by path or as found on PATH")
    parser.add_argument("--jobs", type=int, default=2, help="how many files are compiled at a time")
    parser.add_argument("--pytest", nargs=argparse.REMAINDER, default=[], help="what pytest runs, and how")
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    suites: list[Suite] = []
    status = 0
    for python in arguments.pythons:
        name = version(python)
        if name is None:
            print(f"{python}: not installed", flush=True)
            continue
        built = build(python, arguments.jobs)
        if built is None:
            print(f"{name}: the build failed", flush=True)
            status = 1
            continue
        suites.append(suite(name, built, arguments.pytest))
    if not suites:
        print("no interpreter to test on", flush=True)
        return 1
    return 1 if run_all(suites).failed else status


if __name__ == "__main__":
    sys.exit(main())
