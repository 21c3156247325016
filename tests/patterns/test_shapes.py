"""The shapes of real code: each gives the sequential observation, and those named overlap as far as they can."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import xcs
from patterns import model, shapes

ITEMS = copy.deepcopy(shapes.ITEMS)

# The longest chain of calls that depend on each other, which is the critical path unless a comment says otherwise.
ROUNDS = {
    "shape_01_comprehension": 2,
    "shape_02_for_append": 2,
    "shape_03_print_progress": 1,
    "shape_04_file_append": 1,
    "shape_05_try_except": 1,
    "shape_06_retry_in_place": 6,  # 1: what a blocked retry may store is not found out
    "shape_07_stateful_wrapper": 1,
    "shape_08_indexed_store": 1,
    "shape_09_independent_statements": 2,
    "shape_10_grid": 1,
    "shape_11_pipeline_with_cheap_carry": 6,  # 2: what in-place operators make of numbers to come is not known
    "shape_12_debate": 3,
    "shape_13_object_channel": 1,
    "shape_14_early_exit": 8,
    "shape_15_callback_random_sleep": 7,  # 2: a random draw waits for the calls before it
    "shape_16_reads_own_accumulator": 1,
    "shape_17_alias_trap": 1,
    "shape_18_recursion": 5,  # 3: what a blocked recursion may store is not found out
}

# How many calls are in flight at once when nothing but what the calls need holds them up.
WIDTH = {
    "shape_01_comprehension": 6,
    "shape_02_for_append": 6,
    "shape_03_print_progress": 6,
    "shape_05_try_except": 6,
    "shape_08_indexed_store": 18,
    "shape_09_independent_statements": 3,
    "shape_12_debate": 3,
    "shape_13_object_channel": 4,
    "shape_16_reads_own_accumulator": 5,
    "shape_17_alias_trap": 4,
}

xcs.declare(model.llm, effect="independent")


def observe(call: Callable[[], Any]) -> str:
    model.reset()
    shapes.FILE.clear()
    shapes.CACHE.clear()
    shapes.USAGE["tokens"] = 0
    shapes.ITEMS[:] = copy.deepcopy(ITEMS)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = call()
    return repr((result, shapes.FILE, printed.getvalue(), shapes.CACHE, shapes.USAGE, shapes.ITEMS))


@pytest.mark.parametrize("shape", shapes.SHAPES, ids=lambda shape: shape.__name__)
def test_a_shape_gives_the_sequential_observation(
    shape: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = observe(shape)
    calls = len(model.LOG)
    monkeypatch.setenv("LLM_LATENCY_MS", "10")
    monkeypatch.setenv("LLM_JITTER_MS", "10")
    jitted = xcs.jit(shape)
    assert observe(jitted) == expected
    assert len(model.LOG) == calls
    stats = xcs.stats(jitted)
    assert stats is not None
    assert stats.most_in_flight >= WIDTH.get(shape.__name__, 1)
    assert stats.rounds <= ROUNDS[shape.__name__]
