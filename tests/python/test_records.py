"""Dataclasses and named tuples of answers: made ahead, as their generated constructors make them."""

from __future__ import annotations

import collections
import dataclasses
import typing
from typing import Any

import pytest
import xcs
from xcs._generated import source_of

from .conftest import Check, ask, log

NAMES = ["a", "b", "c", "d"]


@dataclasses.dataclass
class Row:
    name: str
    answer: str
    tags: list[str] = dataclasses.field(default_factory=list)
    score: float = 3.0
    seen: dict[str, str] = dataclasses.field(init=False, default_factory=dict)
    label: str = dataclasses.field(init=False, default="s")

    def show(self) -> str:
        return f"{self.name}:{self.answer}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    name: str
    answer: str
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Counted:
    name: str
    answer: str
    given: dataclasses.InitVar[int] = 2
    length: int = 0

    def __post_init__(self, given):
        log(("made", self.name))
        self.length = len(self.answer) * given


@dataclasses.dataclass
class Derived(Counted):
    more: str = dataclasses.field(default="m", kw_only=True)


@dataclasses.dataclass
class Named:
    self: str
    answer: str = "?"


class Pair(typing.NamedTuple):
    name: str
    answer: str
    score: int = 1

    def show(self) -> str:
        return self.name + self.answer


Point = collections.namedtuple("Point", "x y")


class Loud(collections.namedtuple("Loud", "x y")):
    def __new__(cls, x: str, y: int = 2) -> Loud:
        log(("new", x))
        return super().__new__(cls, x, y)


@pytest.mark.parametrize("made", [Row, Frozen, Counted, Derived, Named])
def test_the_source_of_a_generated_constructor_compiles_to_it(made: Any) -> None:
    assert source_of(made.__init__.__code__) is not None


def test_other_functions_have_no_generated_source() -> None:
    space: dict[str, Any] = {}
    exec("def around(given):\n def __init__(self, x):\n  self.x = given(x)\n return __init__", space)
    assert source_of(space["around"](int).__code__) is None
    assert source_of(Row.show.__code__) is None
    assert source_of(Row.__eq__.__code__) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda name, answer: Row(name, answer),
        lambda name, answer: Row(answer=answer, name=name, tags=["t"]),
        lambda name, answer: Frozen(name=name, answer=answer),
        lambda name, answer: Counted(name, answer, 3),
        lambda name, answer: Derived(name, answer, more=answer),
        lambda name, answer: Named(answer),
        lambda name, answer: Pair(name, answer),
        lambda name, answer: Pair(answer=answer, name=name),
        lambda name, answer: Point(answer, name),
        lambda name, answer: Point(y=[answer], x=name),
    ],
)
def test_records_of_answers_are_made_ahead(check: Check, make: Any) -> None:
    def run(names):
        rows = []
        for name in names:
            row = make(name, ask(name))
            rows.append(row)
        return rows

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_methods_and_fields_of_records_are_used_ahead(check: Check) -> None:
    def run(names):
        rows, total = [], 0
        for name in names:
            row = Row(name, ask(name))
            row.tags.append(name)
            row.seen[name] = row.answer
            total += len(row.answer)
            rows.append(row)
            log(row.show())
        pairs = [Pair(row.name, ask(row.answer)) for row in rows]
        return rows, total, [pair.show() for pair in pairs], sorted(pairs), dataclasses.asdict(rows[0])

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_a_record_is_changed_and_read_in_order(check: Check) -> None:
    def run():
        row = Row("a", ask("a"))
        row.answer += ask("b")
        row.score = len(row.answer)
        setattr(row, "label", ask("c"))
        log((row.answer, row.label))
        other = dataclasses.replace(row, name="z")
        return row, other, row == other, repr(row), getattr(row, "label"), getattr(row, "none", 3)

    check(run)


def test_frozen_records_refuse_as_they_do(check: Check) -> None:
    def run():
        row = Frozen(name="a", answer=ask("a"))
        try:
            row.answer = "other"  # type: ignore[misc]
        except dataclasses.FrozenInstanceError as error:
            log(str(error))
        object.__setattr__(row, "answer", ask("b"))
        log(row.answer)
        return row, hasattr(row, "answer"), hasattr(row, "no")

    check(run)


def test_wrong_arguments_of_a_generated_constructor_raise_as_they_do(check: Check) -> None:
    def run():
        try:
            Row(ask("a"), nothing=1)  # type: ignore[call-arg]
        except TypeError as error:
            log(str(error))
        return Row(ask("b"))  # type: ignore[call-arg]

    check(run)


def test_a_constructor_of_the_programs_own_runs_in_its_turn(check: Check) -> None:
    def run(names):
        made = []
        for name in names:
            log(("before", name))
            made.append(Loud(ask(name)))
        return made, Loud(1, 2).y

    check(run, lambda: (NAMES,))


def test_an_op_sees_a_record_as_it_is_at_its_call(check: Check) -> None:
    @xcs.op
    def seen(row: Any) -> str:
        return repr(row)

    def run():
        row = Row("a", ask("a"))
        first = seen(row)
        row.answer = "later"
        return first, seen(row), seen(Pair("x", ask("p"))), seen([Frozen(name="n", answer=ask("q"))])

    check(run)
