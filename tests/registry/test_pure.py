"""What the registry calls pure leaves its arguments alone and gives the same answer twice.

Each pure callable of the standard library is called with sample arguments: tuples of POOL's values in a seeded order,
those it refuses left out, or those that SAMPLES lists where POOL has nothing that fits.
"""

from __future__ import annotations

import difflib
import itertools
import random
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from registry.contracts import Line, lines
from registry.naming import resolve
from registry.samples import POOL, SAMPLES

PURE = [
    line
    for line in lines()
    if line.table == "callable"
    and line.library in sys.stdlib_module_names
    and line.fields["effect"] == "pure"
]

ENOUGH = 4  # accepted argument tuples per callable
TRIES = 2000
# What a callable raises for arguments that do not fit.
REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    re.error,
    zlib.error,
)


def receivers(key: str) -> list[Callable[[], Any]]:
    """The values of the pool that can be `self` of a method; all of them for anything else."""
    path = key.rpartition(".")[0]
    owner = resolve(path) if "." in path else None
    if not isinstance(owner, type) or getattr(resolve(key), "__self__", None) is not None:
        return POOL
    return [make for make in POOL if type(make()) is owner] or [
        make for make in POOL if isinstance(make(), owner)
    ]


def candidates(key: str, longest: int) -> Iterator[Callable[[], tuple[Any, ...]]]:
    """Makers of argument tuples: those listed for the key, or tuples of the pool, short ones first."""
    if key in SAMPLES:
        yield SAMPLES[key]
        return
    chooser = random.Random(key)
    first = receivers(key)
    for length in range(longest + 1):
        tuples = list(itertools.product(first, *[POOL] * (length - 1))) if length in (1, 2) else [()]
        if length == 3:
            tuples = [(chooser.choice(first), *chooser.choices(POOL, k=2)) for _ in range(TRIES)]
        chooser.shuffle(tuples)
        for makers in tuples:
            yield lambda makers=makers: tuple(make() for make in makers)


def shown(value: Any) -> str:
    """A text in which equal values are equal and a change of a mutable one shows."""
    if isinstance(value, Iterator):
        value = list(itertools.islice(value, 20))
    if isinstance(value, difflib.SequenceMatcher):
        value = (value.a, value.b)
    if hasattr(value, "hexdigest"):
        value = (value.name, value.hexdigest())
    return re.sub(r"0x[0-9a-f]+", "0x", repr(value))


def accepted(line: Line, callee: Any) -> Iterator[tuple[Callable[[], tuple[Any, ...]], str]]:
    """Makers of arguments that the callable accepts, each with what it returned for them."""
    longest = 1 if line.fields.get("guard") == "one_argument" else 3
    found = 0
    for make in itertools.islice(candidates(line.key, longest), TRIES):
        try:
            answer = shown(callee(*make()))
        except REFUSALS:
            continue
        yield make, answer
        found += 1
        if found == ENOUGH:
            return


def check(line: Line) -> None:
    """Fails unless the callable of the line keeps its arguments, except those it mutates, and repeats itself."""
    callee = resolve(line.key)
    mutated = set(line.fields.get("mutates", []))
    tried = 0
    for make, first in accepted(line, callee):
        tried += 1
        arguments = make()
        before = [shown(argument) for argument in arguments]
        assert shown(callee(*arguments)) == first, arguments
        after = [shown(argument) for argument in arguments]
        changed = {position for position, text in enumerate(before) if text != after[position]}
        assert changed <= mutated, arguments
    assert tried > 0, "none of the sample arguments fits; list some in SAMPLES"


@pytest.mark.parametrize("line", PURE, ids=lambda line: line.key)
def test_a_pure_callable_keeps_its_arguments_and_repeats_its_answer(line: Line) -> None:
    check(line)


DATA = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers(-9, 9) | strategies.text(max_size=4),
    lambda inner: (
        strategies.lists(inner, max_size=4) | strategies.dictionaries(strategies.text(max_size=3), inner)
    ),
    max_leaves=8,
)
READERS_OF_DATA = [
    "builtins.len", "builtins.repr", "builtins.sorted", "builtins.str", "collections.Counter", "copy.deepcopy",
    "json.dumps", "pprint.pformat", "shlex.join", "statistics.mode", "urllib.parse.urlencode",
]  # fmt: skip


@pytest.mark.parametrize("key", READERS_OF_DATA)
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=DATA)
def test_readers_of_any_data_leave_it_alone(key: str, data: Any) -> None:
    assert key in {line.key for line in PURE}
    before = shown(data)
    answers = []
    for _ in range(2):
        try:
            answers.append(shown(resolve(key)(data)))
        except REFUSALS as refusal:
            answers.append(type(refusal).__name__)
    assert answers[0] == answers[1]
    assert shown(data) == before


@pytest.mark.parametrize("key", ["builtins.list.sort", "collections.deque.rotate", "random.random"])
def test_a_callable_that_is_not_pure_does_not_pass_for_one(key: str) -> None:
    with pytest.raises(AssertionError):
        check(Line(Path("x.toml"), "callable", key, {"effect": "pure"}))
