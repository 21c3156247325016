"""Checks the sources, or with --fix rewrites them in the project's format.

Expects what `make setup-lint` installs. Every check runs, whatever the ones before it found; the last line
names those that failed, and the status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import check_includes

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FOLDERS = ["bench", "examples", "fuzz", "python", "tests", "tools"]


@dataclass(frozen=True)
class Check:
    """A name, and the command that exits with a status other than 0 when it finds something."""

    name: str
    command: list[str]


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def python_folders() -> list[str]:
    return [folder for folder in PYTHON_FOLDERS if any((ROOT / folder).rglob("*.py"))]


def cpp_files() -> list[str]:
    return [str(path) for path in check_includes.sources(ROOT)]


def fixes() -> list[Check]:
    """What rewrites the sources."""
    return [
        Check("clang-format", ["clang-format-19", "-i", *cpp_files()]),
        Check("ruff format", module("ruff", "format", *python_folders())),
        Check("ruff fixes", module("ruff", "check", "--fix", *python_folders())),
    ]


def checks(jobs: int) -> list[Check]:
    """What only looks, the quick ones first."""
    # The clang build shows every finding, not only those of the first file that has one.
    build = ["cmake", "--build", "--preset", "clang", "-j", str(jobs)]
    return [
        Check("include order", [sys.executable, "tools/check_includes.py"]),
        Check("clang-format", ["clang-format-19", "--dry-run", "--Werror", *cpp_files()]),
        Check("ruff format", module("ruff", "format", "--check", *python_folders())),
        Check("ruff", module("ruff", "check", *python_folders())),
        Check("mypy", module("mypy")),
        Check("pyright", module("basedpyright")),
        Check("clang configuration", ["cmake", "--preset", "clang"]),
        Check("headers stand alone", [*build, "--target", "header_check", "--", "-k", "0"]),
        Check("thread safety and clang-tidy", [*build, "--", "-k", "0"]),
    ]


def run_all(to_run: list[Check]) -> list[str]:
    """Runs the checks in order; returns the names of those that failed."""
    failed: list[str] = []
    for check in to_run:
        print(f"== {check.name}", flush=True)
        if subprocess.run(check.command, cwd=ROOT, check=False).returncode != 0:
            failed.append(check.name)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="rewrite the sources instead of checking them")
    parser.add_argument("--jobs", type=int, default=2, help="how many files are compiled at a time")
    arguments = parser.parse_args()
    failed = run_all(fixes() if arguments.fix else checks(arguments.jobs))
    print(f"failed: {', '.join(failed)}" if failed else "nothing to object to")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
