"""Programs that are hard to run in parallel: each gives the sequential observation, in the rounds that are expected."""

from __future__ import annotations

import pytest
from litmus import cases, litmus

# `make litmus` tries more. 0 has equal latencies, odd ones make calls fail.
SEEDS = (0, 1, 2, 3, 5)
EXPECTED = litmus.expectations()


def test_every_case_has_its_rounds_written_down() -> None:
    assert list(EXPECTED) == [case.name for case in cases.CASES]
    assert len(EXPECTED) == 63


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_a_case_gives_the_sequential_observation_in_the_expected_rounds(case: cases.Case) -> None:
    row = litmus.check(case, EXPECTED[case.name], SEEDS)
    assert row.differences == []


def test_more_rounds_than_needed_have_a_reason() -> None:
    for name, expected in EXPECTED.items():
        assert bool(expected.because) == (expected.reached != expected.rounds), name
        assert all(a >= b for a, b in zip(expected.reached, expected.rounds, strict=True)), name
