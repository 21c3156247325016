"""What the documents say about the source tree is so."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def documents(root: Path) -> list[Path]:
    """The pages that people read."""
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "registry").glob("*.md")]


def missing_links(pages: list[Path]) -> list[str]:
    """The relative links that lead nowhere."""
    return [
        f"{page.name}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]


def test_links_between_pages_and_files_lead_somewhere(project_root: Path) -> None:
    assert missing_links(documents(project_root)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("see [this](page.md), [that](other.md) and [the web](https://example.org)")
    assert missing_links([page]) == ["page.md: other.md"]


def test_every_folder_of_the_sources_stands_in_the_design(project_root: Path) -> None:
    table = (project_root / "docs/design.md").read_text()
    folders = {path.parent.name for path in (project_root / "src").glob("*/CMakeLists.txt")}
    assert {folder for folder in folders if f"`src/{folder}/`" not in table} == set()


def test_the_promises_are_numbered_without_gaps(project_root: Path) -> None:
    text = (project_root / "docs/semantics.md").read_text()
    numbers = [int(number) for number in re.findall(r"^\*\*S(\d+)\.", text, re.MULTILINE)]
    assert numbers == list(range(1, 12))


def test_files_that_the_pages_name_exist(project_root: Path) -> None:
    named = re.compile(r"`((?:src|python|registry|tests|tools|docs)/[\w./-]+\.\w+)`")
    wrong = [
        f"{page.name}: {path}"
        for page in documents(project_root)
        for path in named.findall(page.read_text())
        if not (project_root / path).exists()
    ]
    assert wrong == []
