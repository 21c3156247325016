"""Containers that are read while something may still be put into them."""

from __future__ import annotations

import collections
import random
from typing import NamedTuple

from .conftest import Check, ask

NAMES = ["a", "bb", "ccc"]
PARTS = ["x", "yy", "zzz"]


class Turn(NamedTuple):
    question: str
    answers: tuple

    def first(self):
        print("first of", self.question)
        return ask(self.answers[0])

    @property
    def length(self):
        print("length of", self.question)
        return len(self.answers)


class Odd(NamedTuple):
    value: str

    def __eq__(self, other):
        print("compared", self.value, other.value)
        return self.value == other.value

    def __lt__(self, other):
        print("ordered", self.value, other.value)
        return self.value < other.value

    def __hash__(self):
        return 1


class Shown(NamedTuple):
    value: str

    def __repr__(self):
        print("shown", self.value)
        return "S" + self.value


def conversation(name):
    turns = []
    for _ in range(2):
        history = " ".join(f"{turn.question} {turn.answers}" for turn in turns[-2:])
        question = ask(history + name)
        if question.startswith("nothing"):
            break
        turns.append(Turn(question=question, answers=(ask("A" + question), name)))
    return turns


def researched(name):
    found = []
    for line in ask(name).splitlines():
        found.extend(ask(line + part) for part in PARTS)
        found.extend(ask(line).split())
    return ask(" ".join(found)), tuple(found)


def rated(name):
    ratings = {}
    for part in PARTS:
        answer = ask(name + part)
        try:
            ratings[part] = len(answer) % 3
        except ValueError:
            ratings[part] = 0
    return ratings


def counted(name):
    votes = collections.Counter()
    for part in PARTS:
        answer = ask(name + part)
        if answer == "nothing":
            continue
        votes[answer[:2]] += 1
    return votes


def test_named_tuples_are_known_by_their_fields(check: Check) -> None:
    stats = check(lambda: [conversation(name) for name in NAMES], width=3)
    assert stats is not None
    assert stats.rounds <= 4


def test_methods_of_named_tuples_that_are_not_there(check: Check) -> None:
    def turn(name):
        if ask(name) == "nothing":
            return Turn("none", ("",))
        return Turn(ask(name), (ask(name + "2"),))

    def run():
        turns = [turn(name) for name in NAMES]
        found = []
        for one in turns:
            question, answers = one
            found.append((one.first(), one.length, question, answers, one[0], one[-1], list(one)))
        return found, turns[0] == turns[1], sorted(turns)

    check(run, width=3)


def test_operators_that_named_tuples_have_of_their_own(check: Check) -> None:
    def run():
        odd = [Odd(ask(name)) for name in NAMES]
        print("asked")
        equal = odd[0] == odd[1]
        print(equal, odd[2] in odd)
        odd.sort()
        shown = Shown(ask("shown"))
        print("about to show")
        return f"{shown}", [one.value for one in odd]

    check(run, width=3)


def test_lists_that_are_extended_by_answers(check: Check) -> None:
    stats = check(lambda: [researched(name) for name in NAMES], width=3)
    assert stats is not None
    assert stats.rounds <= 3


def test_sorting_by_answers(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            ratings = rated(name)
            order = sorted(ratings, key=ratings.get, reverse=True)
            pairs = [(value, part) for part, value in ratings.items()]
            pairs.sort(key=lambda pair: pair[0])
            found.append(ask(order[0] + pairs[0][1]))
        return found

    stats = check(run, width=9)
    assert stats is not None
    assert stats.rounds <= 2


def test_sorting_what_cannot_be_compared(check: Check) -> None:
    def run():
        items = [(ask(name), name) for name in NAMES] + [(3, "three")]
        try:
            items.sort(key=lambda item: item[0])
        except TypeError as error:
            print(error)
        return items

    check(run, width=3)


def test_counters_that_are_still_filled(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            votes = counted(name)
            (best, number), *rest = votes.most_common()
            found.append(ask(best + str(number) + str(len(rest))))
        return found

    stats = check(run, width=9)
    assert stats is not None
    assert stats.rounds <= 2


def test_keys_are_read_while_values_wait(check: Check) -> None:
    def run():
        scores = dict.fromkeys(NAMES, 0)
        draws = random.Random(3)
        found = []
        for _ in range(4):
            one, other = draws.sample(list(scores), 2)
            answer = ask(one + other)
            scores[one] += len(answer)
            scores[other] -= len(answer)
            found.append(sorted(scores)[0] + "".join(tuple(scores.keys())) + str(len(set(scores))))
        return found, scores

    check(run, width=4)


def test_slices_that_answers_replace(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            items = [name, "x", "y"]
            items[1:] = ask(name).split()
            found.append(ask(items[0] + items[-1]))
        return found

    stats = check(run, width=3)
    assert stats is not None
    assert stats.rounds <= 2
