"""Differences that are known, each under the section of docs/semantics.md that says why there is one.

`conformance.py` compares a run with this list: a difference that is not on it fails, and so does a line for a test that
comes to the same.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("excused.toml")
MODES = ("jit", "late")


@dataclass(frozen=True)
class Excuse:
    """Why a test comes to something else.

    Attributes:
        section: A heading of docs/semantics.md.
        always: Whether it does each time; what depends on timing or memory may come to the same.
    """

    section: str
    always: bool


def excuses(file: Path = FILE) -> dict[tuple[str, str], Excuse]:
    """By mode and test."""
    found: dict[tuple[str, str], Excuse] = {}
    for section, lists in tomllib.loads(file.read_text("utf-8")).items():
        for kind, tests in lists.items():
            modes = kind.removeprefix("sometimes_")
            for mode in MODES if modes == "both" else (modes,):
                for test in tests:
                    found[mode, test] = Excuse(section, not kind.startswith("sometimes_"))
    return found
