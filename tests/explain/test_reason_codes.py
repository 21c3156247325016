"""The reason codes in the sources and on the page agree, and each reason has an example that meets it."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import xcs
from xcs import _core

EXAMPLES = sorted(path.stem for path in (Path(__file__).parent / "reasons").glob("*.py"))

# Examples of syntax that older versions of Python do not have, or compile differently.
SINCE = {
    "except_star": (3, 11),
    "lazy_annotations": (3, 14),
    "leaves_unlowered_statement": (3, 11),
    "template_string": (3, 14),
    "type_alias": (3, 12),
    "type_parameters": (3, 12),
}


@pytest.fixture
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example, imported as the page shows it."""
    if sys.version_info < SINCE.get(request.param, (3, 0)):
        pytest.skip("syntax of a newer Python")
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    return importlib.import_module(f"explain.reasons.{request.param}")


def ran(function: Callable[..., Any]) -> tuple[xcs.Explanation, set[str], tuple[int, int]]:
    """The report of a run, the codes in it, and how badly its calls overlapped: rounds, and as few at a time."""
    jitted: Any = function if isinstance(function, _core.Jitted) else xcs.jit(function)
    try:
        made = jitted()
        if inspect.iscoroutine(made):
            asyncio.run(made)
    except RecursionError:
        pass
    report = xcs.explain(jitted)
    codes = {reason.code for reason in report.reasons}
    if report.stats is None:
        return report, codes, (sys.maxsize, 0)
    rounds = report.stats.rounds or sys.maxsize  # 0: the calls were made by code that nobody looked into
    codes |= {wait.reason for site in report.stats.sites for wait in site.waits}
    return report, codes, (rounds, -report.stats.most_in_flight)


def test_every_code_of_the_lowering_is_a_reason(project_root: Path) -> None:
    source = (project_root / "src/lower/refusal.h").read_text()
    codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source))
    assert codes
    assert codes <= _core.reasons().keys()


def test_every_reason_has_an_example() -> None:
    assert {code.replace("-", "_") for code in _core.reasons()} == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
def test_an_example_meets_its_reason_and_says_where(example: ModuleType) -> None:
    code = example.__name__.rpartition(".")[2].replace("_", "-")
    report, codes, _ = ran(example.waits)
    assert code in codes
    text = str(report)
    if code in {reason.code for reason in report.reasons}:
        assert code in text
        (told,) = [reason for reason in report.reasons if reason.code == code]
        assert told.places, "no line is to blame"


@pytest.mark.parametrize("example", EXAMPLES, indirect=True)
def test_what_is_repaired_overlaps(example: ModuleType) -> None:
    code = example.__name__.rpartition(".")[2].replace("_", "-")
    kind = _core.reasons()[code][0]
    assert hasattr(example, "repaired") == (kind != "ordered")
    if kind == "ordered":
        return
    _, _, before = ran(example.waits)
    _, codes, after = ran(example.repaired)
    if code == "recursion-limit":
        assert code not in codes
    else:
        assert after < before
