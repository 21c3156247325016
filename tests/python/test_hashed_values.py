"""What looks into the items it is given, to hash them or to take them apart, waits for answers inside these items."""

from __future__ import annotations

import collections
from typing import Any

import pytest

from .conftest import Check, ask, log

# ruff: noqa: C402, C405, C406 - the calls are what is tested

NAMES = ["a", "b", "c", "a"]


class Hashed:
    """Hashing it is an effect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        log(("hash", self.name))
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashed) and self.name == other.name

    def __repr__(self) -> str:
        return self.name


def test_sets_tell_pairs_apart_by_the_answers_in_them(check: Check) -> None:
    def run():
        pairs = [(name, ask(name)) for name in NAMES]
        made = set(pairs), frozenset(pairs), {*pairs}, {(name, ask(name)) for name in NAMES}
        return [(len(s), ("a", "<a>") in s, sorted(s)) for s in made]

    check(run)


def test_adding_pairs_to_a_set_hashes_the_answers_in_them(check: Check) -> None:
    def run(outer):
        inner, sizes = set(), []
        for name in NAMES:
            inner.add((name, ask(name)))
            outer.add((name, ask(name)))
            sizes.append((len(inner), len(outer)))
        inner.update([(name, ask(name)) for name in NAMES])
        inner |= {(name, ask(name)) for name in NAMES}
        return sizes, ("a", "<a>") in inner, ("a", "<a>") in outer, sorted(inner), sorted(outer)

    check(run, lambda: (set(),))


@pytest.mark.parametrize(
    "make",
    [
        dict,
        collections.OrderedDict,
        lambda pairs: collections.defaultdict(list, pairs),
        lambda p: dict(p, z=1),
    ],
)
def test_dicts_of_pairs_hold_the_answers_in_them(check: Check, make: Any) -> None:
    def run():
        pairs = [(name, ask(name)) for name in NAMES]
        return make(pairs), make(tuple(pairs)), make([[name, ask(name)] for name in NAMES]), make(pairs)["a"]

    check(run)


def test_dicts_of_pairs_overlap_with_what_follows(check: Check) -> None:
    def run():
        answers = dict((name, ask(name)) for name in NAMES)
        more = dict(first=ask("d"), **{"second": ask("e")})
        return answers, answers["b"], more, more["first"]

    stats = check(run, width=6)
    assert stats is not None
    assert (stats.calls, stats.rounds) == (6, 1)


def test_a_dict_updated_with_pairs_holds_the_answers_in_them(check: Check) -> None:
    def run(outer):
        pairs = [(name, ask(name)) for name in NAMES]
        inner = {}
        inner.update(pairs)
        outer.update(pairs)
        inner |= [("d", ask("d"))]
        return inner, outer, inner["a"], outer["a"]

    check(run, lambda: ({},))


def test_a_dict_of_lists_that_are_changed_before_has_the_changes(check: Check) -> None:
    def run(rows):
        for row in rows:
            row[1] = ask(row[0])
        made = dict(rows)
        other = {}
        other.update(rows)
        return made, other, made["a"]

    check(run, lambda: ([[name, 0] for name in NAMES],))


def test_pairs_are_counted_by_the_answers_in_them(check: Check) -> None:
    def run():
        pairs = [(name, ask(name)) for name in NAMES]
        counts = collections.Counter(pairs)
        return counts, counts["a", "<a>"], list(dict.fromkeys(pairs)), dict.fromkeys(pairs, 0)["a", "<a>"]

    check(run)


def test_hashing_that_runs_code_happens_in_its_turn(check: Check) -> None:
    def run():
        out = []
        for name in NAMES:
            log(ask(name))
            out.append(len(set([Hashed(name)])))
            out.append(len(frozenset((Hashed(name),))))
            out.append(dict([(Hashed(name), 1)]))
            out.append(dict.fromkeys([Hashed(name)]))
            out.append(collections.Counter([Hashed(name)]))
        return out

    check(run)
