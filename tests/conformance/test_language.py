"""CPython's own tests of the language come to the same under XCS; `make conformance` runs more of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import conformance


@pytest.mark.parametrize("module", conformance.QUICK)
def test_a_module_comes_to_the_same(module: str, tmp_path: Path) -> None:
    pytest.importorskip("test.support")
    row = conformance.compare(module, tmp_path, timeout=50)
    assert row.differences == []
    assert row.tests > 0
