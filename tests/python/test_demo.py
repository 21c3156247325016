"""The demo and the bench: what they compare, and that a difference is noticed."""

from __future__ import annotations

import dataclasses
import io
import os
import re
from collections.abc import Callable

import pytest
from rich.console import Console
from xcs import _bench, _demo


def plain() -> tuple[Console, Callable[[], str]]:
    """A console without colours, and what has been printed on it."""
    out = io.StringIO()
    return Console(file=out, width=100), out.getvalue


def test_every_workflow_gives_the_identical_observation_and_is_explained() -> None:
    console, printed = plain()
    assert _demo.run_demo(console, 20)
    text = printed()
    assert text.count("identical") == len(_demo.WORKFLOWS)
    for workflow in _demo.WORKFLOWS:
        assert f"\n{workflow.function.__name__}\n" in text  # its report


def test_an_observation_that_differs_is_shown_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10))

    def unsteady() -> int:
        _demo._workflows.ask("hello")
        return next(calls)

    monkeypatch.setattr(_demo, "WORKFLOWS", (_demo.Workflow("unsteady", unsteady, ()),))
    console, printed = plain()
    assert not _demo.run_demo(console, 1)
    assert "DIFFERS" in printed()


def test_the_demo_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://before")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(_demo, "WORKFLOWS", ())
    _demo.run_demo(plain()[0], 1)
    assert os.environ["OPENAI_BASE_URL"] == "http://before"
    assert "OPENAI_API_KEY" not in os.environ


@pytest.mark.parametrize("case", _bench.CASES, ids=lambda case: case.name)
def test_the_calls_and_rounds_that_bound_a_case_are_those_of_its_run(case: _bench.Case) -> None:
    chains: dict[str, int] = {}  # how many calls each answer needed, one after another

    def ask(prompt: str) -> str:
        answer = f"<{prompt}>"
        chains[answer] = 1 + max([n for known, n in chains.items() if known in prompt], default=0)
        return answer

    case.sequential(ask)
    assert (len(chains), max(chains.values())) == (case.calls, case.rounds)


def test_the_bench_prints_a_row_for_each_case_and_kind_of_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bench, "CASES", [dataclasses.replace(c, latency_ms=1) for c in _bench.CASES])
    console, printed = plain()
    _bench.run_basics(console)
    for case in _bench.CASES:
        assert len(re.findall(rf"^ *{re.escape(case.name)} .*x +\d\.\d\d$", printed(), re.MULTILINE)) == 2


def test_the_bench_refuses_a_parallel_result_that_differs() -> None:
    case = _bench.Case("wrong", lambda ask: 1, lambda ask: 2, 1, 1, 1)
    with pytest.raises(AssertionError, match="wrong: a parallel result differs from the sequential one"):
        _bench.measure(case, str)
