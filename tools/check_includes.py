"""Refuses an include that goes against the order of the folders in src/.

A folder may include itself and the folders before it in LAYERS. Only python/bindings may include Python.h or
nanobind; it may include every folder. include/xcs is the public face: it includes nothing of src/.
Prints one line per offence, as FILE:LINE: what is wrong, and exits with status 1 if there is any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LAYERS = [
    "base",
    "trace",
    "explain",
    "ir",
    "lower",
    "analysis",
    "window",
    "store",
    "net",
    "llm",
    "exec",
    "sim",
    "runtime",
]
BINDINGS = Path("python/bindings")
PUBLIC = Path("include")
SOURCE_SUFFIXES = {".h", ".cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
PYTHON_HEADER = re.compile(r"^(Python\.h|nanobind/.*|pybind11/.*)$")


@dataclass(frozen=True)
class Offence:
    """One include that the order forbids."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def sources(root: Path) -> Iterator[Path]:
    """Yields the C++ files of the project, relative to `root`, in sorted order."""
    for folder in ("src", "include", "python", "bench", "fuzz", "examples", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES:
                yield path.relative_to(root)


def objection(file: Path, included: str) -> str | None:
    """Returns why `file` must not include `included`, or None if it may."""
    if BINDINGS in file.parents:
        return None
    if PYTHON_HEADER.match(included):
        return f"only {BINDINGS} may include {included}"
    target = included.split("/")[0]
    if target not in LAYERS or "/" not in included:
        return None
    if PUBLIC in file.parents:
        return f"a public header includes {included}, which is not installed"
    if file.parts[0] != "src":
        return None
    own = file.parts[1]
    if own not in LAYERS:
        return f"the folder src/{own} has no place in the order of folders"
    if LAYERS.index(target) > LAYERS.index(own):
        return f"src/{own} stands before src/{target} and must not include {included}"
    return None


def offences(root: Path) -> list[Offence]:
    """Checks every C++ file below `root`."""
    found: list[Offence] = []
    for file in sources(root):
        for number, line in enumerate((root / file).read_text().splitlines(), start=1):
            include = INCLUDE.match(line)
            message = objection(file, include.group(1)) if include else None
            if message is not None:
                found.append(Offence(file, number, message))
    return found


def main() -> int:
    found = offences(Path(__file__).resolve().parent.parent)
    for offence in found:
        print(offence)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
