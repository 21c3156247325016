"""Every promise of docs/semantics.md is cited by a test that would notice its breach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROMISE = re.compile(r"^\*\*(S\d+)\.", re.MULTILINE)
CITATION = re.compile(r"\bS\d+\b")


def files_of_tests(root: Path) -> Iterator[Path]:
    """The files that hold tests, this one not among them."""
    yield from (path for path in (root / "tests").rglob("test_*.py") if path.name != Path(__file__).name)
    yield from (root / "src").rglob("*_test.cc")


def promises(root: Path) -> set[str]:
    return set(PROMISE.findall((root / "docs/semantics.md").read_text()))


def citations(files: Iterator[Path]) -> dict[str, list[str]]:
    """The tests that cite each number."""
    cited: dict[str, list[str]] = {}
    for file in files:
        for number in set(CITATION.findall(file.read_text())):
            cited.setdefault(number, []).append(file.name)
    return cited


def test_every_promise_is_cited_by_a_test(project_root: Path) -> None:
    assert promises(project_root) - citations(files_of_tests(project_root)).keys() == set()


def test_every_citation_is_of_a_promise(project_root: Path) -> None:
    cited = citations(files_of_tests(project_root))
    assert {number: files for number, files in cited.items() if number not in promises(project_root)} == {}


@pytest.mark.parametrize(("text", "cited"), [("# S3: in order", {"S3"}), ("AWS3 and S3x", set())])
def test_a_citation_is_a_word_of_its_own(tmp_path: Path, text: str, cited: set[str]) -> None:
    file = tmp_path / "test_x.py"
    file.write_text(text)
    assert citations(iter([file])).keys() == cited
