"""Programs that are hard to run in parallel: each gives the sequential observation under random latencies."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import xcs
from litmus import cases

SEEDS = range(3)

for independent in (cases.llm, cases.llm_obj, cases.score, cases.flaky):
    xcs.declare(independent, effect="independent")


@pytest.mark.parametrize(
    ("function", "arguments", "failing"), cases.CASES, ids=lambda v: getattr(v, "__name__", "")
)
def test_a_case_gives_the_sequential_observation(
    function: Callable[..., Any], arguments: tuple[Any, ...], failing: set[str]
) -> None:
    jitted = xcs.jit(function)
    for epoch in (0, 1):
        expected = cases.observe(function, arguments, failing, epoch, {})
        for seed in SEEDS:
            draw = random.Random(seed)
            latencies = {prompt: draw.random() * 0.03 for prompt in "abcdq123"}
            actual = cases.observe(jitted, arguments, failing, epoch, latencies)
            assert repr(actual) == repr(expected), f"epoch {epoch}, seed {seed}"


@pytest.mark.parametrize(
    "name", ["append_acc", "try_fallback", "retry_loop", "tree_of_thoughts", "continue_skip"]
)
def test_a_case_gives_the_sequential_observation_whatever_fails(name: str) -> None:
    (function, arguments, _) = next(case for case in cases.CASES if case[0].__name__ == name)
    jitted = xcs.jit(function)
    for seed in range(8):
        draw = random.Random(seed)
        failing = {prompt for prompt in ("a", "b", "c", "x1", "x2", "x3", "t0") if draw.random() < 0.5}
        expected = cases.observe(function, arguments, failing, 0, {})
        assert repr(cases.observe(jitted, arguments, failing, 0, {})) == repr(expected), f"seed {seed}"
