"""Whole programs as people write them: each gives the sequential observation, in as few rounds as it says here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import xcs
from programs import harness, world
from programs.expected import EXPECTED, Expected

SEEDS = (1, 2)
# What has to wait depends on how long calls and the machine take. As many more schedules may be needed to find one in
# which nothing has to that need not.
MORE_SEEDS = (3, 4, 5)


class Runs(NamedTuple):
    """Directories to run a program in, none twice."""

    root: Path

    def __iter__(self) -> Iterator[Path]:
        return (self.root / str(number) for number in itertools.count())


def test_every_program_says_what_is_expected_of_it() -> None:
    assert sorted(EXPECTED) == harness.names()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_program_gives_the_sequential_observation(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = EXPECTED[name]
    plain = harness.observe(name, tmp_path / "plain")
    assert len(plain.calls) == expected.calls
    rounds = 0
    for seed in (*SEEDS, *MORE_SEEDS):
        if seed in MORE_SEEDS and rounds <= expected.rounds:
            break
        jitted: Any = None

        def prepare(main: harness.Main) -> harness.Main:
            nonlocal jitted
            jitted = xcs.jit(main)
            return jitted

        monkeypatch.setattr(world, "SEED", seed)
        actual = harness.observe(name, tmp_path / f"seed{seed}", prepare)
        assert actual == plain, f"seed {seed}"
        assert actual.makes_the_calls_of(plain), f"seed {seed}"
        stats = xcs.stats(jitted)
        assert stats is not None
        rounds = min(rounds or stats.rounds, stats.rounds)
    assert rounds <= expected.rounds


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_critical_path_is_what_changing_each_answer_shows(name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    assert harness.critical_path(name, iter(Runs(tmp_path))) == (expected.calls, expected.path)


def test_a_program_in_as_many_rounds_as_its_critical_path_has_reached_it() -> None:
    assert Expected(6, 2, 2).reached
    assert not Expected(6, 2, 3).reached
