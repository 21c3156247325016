"""A few random programs, and whether the comparison would notice a difference."""

from __future__ import annotations

import pytest
from random_programs.compare import Plan, actual, check, difference, expected, load, plans
from random_programs.definitions import generate
from random_programs.shrink import kind, shrunk


@pytest.mark.parametrize("seed", range(12))
def test_a_random_program_gives_the_sequential_observation(seed: int) -> None:
    checked = check(generate(seed), f"random program {seed}", plans(seed, 8))
    assert checked.difference is None, f"{checked.plan}: {checked.difference}"


SLEEPER = """
from random_programs.world import ask, record

def make():
    return ([],)

def main(seen):
    for name in ["a", "b"]:
        seen.append(ask(name))
    record(len(seen))
    print(seen)
    return ask(seen)
"""


def test_equal_plans_give_equal_observations() -> None:
    fresh = load(SLEEPER, "sleeper")
    for order in (None, 1, 2):
        wanted = expected(fresh, Plan(order))
        assert wanted is not None
        assert difference(wanted, actual(fresh, Plan(order))) is None


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [
        ("record(len(seen))", "record(0)", "effects"),
        ("print(seen)", "pass", "output"),
        ("return ask(seen)", "return ask([])", "state"),
        ("return ask(seen)", "raise ValueError", "state"),
    ],
)
def test_a_difference_is_noticed(one: str, other: str, part: str) -> None:
    wanted = expected(load(SLEEPER, "one"), Plan(1))
    assert wanted is not None
    found = difference(wanted, actual(load(SLEEPER.replace(one, other), "other"), Plan(1)))
    assert found is not None
    assert kind(found) == part


def test_calls_that_are_missing_or_made_twice_are_noticed() -> None:
    wanted = expected(load(SLEEPER, "one"), Plan(1))
    more = expected(load(SLEEPER.replace("print(seen)", "print(seen); ask(1)"), "more"), Plan(1))
    assert wanted is not None
    assert more is not None
    assert kind(difference(more, wanted) or "") == "calls not made"
    assert kind(difference(wanted, more) or "") == "calls made too often"


def test_a_program_that_differs_is_made_small() -> None:
    # Whether it runs under jit is no business of a program's, so this one differs.
    source = SLEEPER.replace(
        "print(seen)", "import sys; print('_core' in str(type(sys.modules['program'].main)))"
    )
    source = source.replace("def main(seen)", "import xcs\n\ndef main(seen)")
    source = source.replace("    record(len(seen))", "    print(bool(xcs._core.completion_seed.get(0)))")
    todo = plans(3, 2)
    checked = check(source, "tells", todo)
    assert checked.difference is not None
    small = shrunk(source, todo, checked.difference, seconds=20)
    assert len(small) < len(source) / 2
    assert "completion_seed" in small
