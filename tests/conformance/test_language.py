"""CPython's own tests of the language come to the same under XCS; `make conformance` runs more of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import conformance
import excused


@pytest.mark.parametrize("module", conformance.QUICK)
def test_a_module_comes_to_the_same(module: str, tmp_path: Path) -> None:
    pytest.importorskip("test.support")
    row = conformance.compare(module, tmp_path, timeout=50)
    assert row.differences == []
    assert row.stale == ()
    assert row.tests > 0


def test_excuses_refer_to_sections_of_the_promise(project_root: Path) -> None:
    text = (project_root / "docs/semantics.md").read_text("utf-8")
    sections = {excuse.section for excuse in excused.excuses().values()}
    assert sections
    assert [section for section in sections if f"**{section}.**" not in text] == []


def test_a_line_of_the_list_that_is_not_true_is_reported() -> None:
    (mode, test), _ = next(
        (key, one) for key, one in excused.excuses().items() if one.always and "." in key[1]
    )
    module = test.split(".")[1].removeprefix("test_")
    row = conformance._judged(conformance.Row(module, 1, []))
    assert (mode, test) in row.stale
    row = conformance._judged(conformance.Row(module, 1, [conformance.Difference(mode, "unknown", "a", "b")]))
    assert [d.test for d in row.differences] == ["unknown"]
