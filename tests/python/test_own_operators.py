"""Operators of the program's own classes: entered as the methods that Python asks, in the order in which it asks them."""

# ruff: noqa: RUF005, UP031 - operators are what is tested
from __future__ import annotations

import functools
import operator
from typing import Any

import pytest

from .conftest import Check, ask, log

NAMES = ["a", "bb", "ccc", "dddd"]


class Amount:
    def __init__(self, value, name=""):
        self.value = value
        self.name = name

    def __add__(self, other):
        log(("add", self.name))
        if isinstance(other, Amount):
            return Amount(self.value + other.value, self.name + other.name)
        return Amount(self.value + other, self.name) if isinstance(other, (int, float)) else NotImplemented

    def __radd__(self, other):
        log(("radd", self.name))
        if other == 0:
            return self
        return Amount(other + self.value, self.name) if isinstance(other, int) else NotImplemented

    def __iadd__(self, other):
        log(("iadd", self.name))
        self.value += other.value
        return self

    def __sub__(self, other):
        return Amount(self.value - other.value, self.name)

    def __mul__(self, factor):
        return Amount(self.value * factor, self.name)

    def __rmul__(self, factor):
        return Amount(self.value * factor, "r" + self.name)

    def __neg__(self):
        return Amount(-self.value, "-" + self.name)

    def __lt__(self, other):
        log(("lt", self.name))
        return self.value < other.value

    def __eq__(self, other):
        log(("eq", self.name))
        return self.value == other.value if isinstance(other, Amount) else NotImplemented

    def __hash__(self):
        return 1

    def __bool__(self):
        log(("bool", self.name))
        return self.value > 0

    def __repr__(self):
        return f"Amount({self.value}, {self.name!r})"


class Preferred(Amount):
    def __radd__(self, other):
        log("preferred radd")
        return Preferred(1000 + self.value + getattr(other, "value", 0), "preferred")

    def __gt__(self, other):
        log("preferred gt")
        return True


class Stubborn:
    def __add__(self, other):
        log("stubborn add")
        return NotImplemented

    def __ge__(self, other):
        return NotImplemented

    def __repr__(self):
        return "Stubborn()"


def reached(check: Check, run: Any, width: int, rounds: int = 1) -> None:
    stats = check(run, width=width)
    assert stats is not None
    assert stats.rounds == rounds


def test_totals_of_answers_overlap(check: Check) -> None:
    def run():
        total = Amount(0, "total")
        for name in NAMES:
            answer = ask(name)
            total = total + Amount(len(answer), name)
            total += Amount(1, "one")
            total = total * 2 - Amount(1, "less") + 3
            total = -total
        return total

    reached(check, run, 4)


def test_reflected_operators_and_functions_of_operators(check: Check) -> None:
    def run():
        amounts = [Amount(len(ask(name)), name) for name in NAMES]
        return (
            sum(amounts),
            2 * amounts[0] + amounts[1],
            sum(amounts, Amount(5, "start")),
            functools.reduce(operator.add, amounts),
            operator.lt(amounts[0], amounts[1]),
            operator.ne(amounts[0], amounts[1]),
        )

    reached(check, run, 4)


def test_comparisons(check: Check) -> None:
    def run():
        a, b, c, d = [Amount(len(ask(name)), name) for name in NAMES]
        found = [a < b, a == b, a != c, a < b < c, d == 4, d != "x", max([a, b, c]), min([a, b, c]), a > b]
        best = None
        for name in NAMES:
            candidate = Amount(len(ask("next " + name)), name)
            if best is None or best < candidate:
                best = candidate
        return found, best, a is best

    reached(check, run, 4)


def test_the_derived_class_is_asked_first(check: Check) -> None:
    def run():
        plain = Amount(len(ask("a")), "plain")
        preferred = Preferred(len(ask("bb")), "preferred")
        return plain + preferred, preferred + plain, plain < preferred, preferred < plain

    reached(check, run, 2)


def test_truth_decides_among_objects(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            amount = Amount(len(ask(name)) - 2, name)
            found.append((amount or Amount(7, "or"), amount and Amount(8, "and"), not amount))
            found.append(Amount(1, "then") if amount else Amount(2, "else"))
            if amount and amount == Amount(2, "two"):
                found.append("two")
        return found

    reached(check, run, 4)


@pytest.mark.parametrize(
    "operate",
    [
        lambda stubborn, amount: stubborn + stubborn,
        lambda stubborn, amount: stubborn + amount,
        lambda stubborn, amount: amount + [],
        lambda stubborn, amount: "text" + amount,
        lambda stubborn, amount: [1] + stubborn,
        lambda stubborn, amount: stubborn + 1,
        lambda stubborn, amount: 1 + stubborn,
        lambda stubborn, amount: stubborn >= stubborn,
        lambda stubborn, amount: stubborn < amount,
        lambda stubborn, amount: amount - 3,
        lambda stubborn, amount: amount @ amount,
        lambda stubborn, amount: stubborn == amount,
        lambda stubborn, amount: stubborn != stubborn,
        lambda stubborn, amount: "%s %r" % (stubborn, stubborn),
        lambda stubborn, amount: [0] * amount + stubborn,
        lambda stubborn, amount: ~amount,
    ],
)
def test_what_no_operand_does_is_the_error_of_python(check: Check, operate: Any) -> None:
    def run():
        amount = Amount(len(ask("a")), "amount")
        ask("b")
        return operate(Stubborn(), amount)

    check(run)


def test_a_class_whose_operators_come_from_a_builtin_one(check: Check) -> None:
    class Score(float):
        def __add__(self, other):
            log("added")
            return Score(float(self) + other)

    def run():
        total = Score()
        for name in NAMES:
            total = total + len(ask(name))
        return total, Score(2) < len(ask("a")), Score(1) + True

    check(run)


def test_methods_that_are_switched_off(check: Check) -> None:
    class Closed:
        __add__ = None
        __eq__ = None
        __hash__ = None

        def __radd__(self, other):
            return "radd"

    def run(which):
        closed = Closed()
        text = ask("a")
        if which == 0:
            return text, Amount(1, "x") + closed
        if which == 1:
            return text, closed + 1
        return text, closed == 1

    for which in range(3):
        check(lambda which=which: run(which))


def test_new_objects_are_told_from_none_at_once(check: Check) -> None:
    class Node:
        def __init__(self, text):
            self.text = text

    def make(answer):
        return Node(answer) if "a" in answer else Node("other")

    def run():
        found = []
        for name in NAMES:
            node = make(ask(name))
            if node is None:
                break
            found.append(node.text)
        return found

    reached(check, run, 4)
