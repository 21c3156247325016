"""Instances that code not reached yet will make: their class and attributes are known ahead, and what is done to
them later is not missed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .conftest import Check, ask, log

NAMES = ["a", "b", "c"]
MARK = ["?"]


@dataclass
class Record:
    name: str
    score: int
    notes: list[Any] = field(default_factory=list)


class Shelf:
    kind = "shelf"

    def __init__(self, name):
        self.name = name
        self.items = []
        self.total = 0

    def add(self, item):
        self.items.append(item)
        self.total += len(item)
        return self

    @property
    def size(self):
        return len(self.items)

    @classmethod
    def label(cls):
        return cls.kind

    def __call__(self, item):
        return self.add(item).total


class Speaker:
    def __init__(self, text):
        self.text = text

    def say(self):
        log(self.text)
        return self.text


def record(name):
    answer = ask(name)
    if MARK[0] in answer:
        return Record(name, 0)
    return Record(name, len(answer), [answer])


def shelf(name):
    answer = ask(name)
    made = Shelf("?" + name) if MARK[0] in answer else Shelf(name)
    for _ in range(2):
        made.add(answer)
    return made


def test_attributes_of_a_returned_record_decide_what_follows(check: Check) -> None:
    def run():
        kept = []
        for name in NAMES:
            made = record(name)
            if made.score > 1:
                kept.append(ask(made.name + "again"))
        return kept

    stats = check(run, width=3)
    assert stats is not None
    assert stats.rounds == 2


def test_the_best_record_so_far(check: Check) -> None:
    def run():
        best = None
        for name in NAMES:
            made = record(name)
            if best is None or made.score > best.score:
                best = made
            log(best.name)
        return best

    stats = check(run, width=3)
    assert stats is not None
    assert stats.rounds == 1


def test_methods_and_properties_of_a_returned_instance(check: Check) -> None:
    def run():
        kept = []
        for name in NAMES:
            made = shelf(name)
            made.add("more")
            if made(name) > 2 and made.label() == "shelf":
                kept.append(ask(made.name + "again"))
            log(made.size)
        return kept

    stats = check(run, width=3)
    assert stats is not None
    assert stats.rounds == 2


def test_rows_and_records_put_into_a_list_of_all(check: Check) -> None:
    def run():
        rows: list[Any] = []

        def one(name):
            answer = ask(name)
            if MARK[0] in answer:
                rows.append(Record(name, 1))
            else:
                rows.append(Record(answer, 2, [{"answer": answer}]))

        for name in NAMES:
            one(name)
        for row in rows:
            log(row.name)
        ask("end")
        return rows

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_speaker_put_into_a_list_that_another_variable_holds_speaks_in_order(check: Check) -> None:
    def run():
        def one(name):
            if MARK[0] in ask(name):
                return 0
            held: list[Any] = []
            items: list[Any] = held if name > "0" else [1]
            held.append(Speaker(ask(name + "text")))
            spoken = 0
            for item in items:
                if hasattr(item, "say"):
                    spoken += len(item.say())
            return spoken

        counts = [one(name) for name in NAMES]
        log("end")
        return counts

    check(run)


def test_a_speaker_stored_after_the_instance_was_kept_speaks_in_order(check: Check) -> None:
    def run():
        kept = []

        def one(name):
            if MARK[0] not in ask(name):
                made = Shelf(name)
                kept.append(made)
                made.name = Speaker(ask(name + "text"))
                made.items.append(Speaker(name))

        for name in NAMES:
            one(name)
        for made in kept:
            made.name.say()
            for item in made.items:
                item.say()
        log("end")

    check(run)


def test_a_speaker_stored_in_a_returned_instance_speaks_in_order(check: Check) -> None:
    def run():
        shelves = [shelf(name) for name in NAMES]
        shelves[1].name = Speaker("one")
        first = shelves[0]
        if MARK[0] not in ask("which"):
            first = shelves[1]
        first.items.append(Speaker("two"))
        for made in shelves:
            if isinstance(made.name, Speaker):
                made.name.say()
            for item in made.items:
                if isinstance(item, Speaker):
                    item.say()
        log("end")

    check(run)


def test_an_attribute_that_is_missing_is_missed_in_order(check: Check) -> None:
    def run():
        for name in NAMES:
            made = shelf(name)
            log(made.name)
            if name == "b":
                log(made.nothing)

    check(run)


def test_a_tree_that_recursion_makes(check: Check) -> None:
    class Node:
        def __init__(self, text):
            self.text = text
            self.children = []

        def count(self):
            return 1 + sum(child.count() for child in self.children)

    def grow(text, depth):
        node = Node(ask(text))
        if depth < 2 and MARK[0] not in node.text:
            for i in range(2):
                node.children.append(grow(f"{text}{i}", depth + 1))
        return node

    def run():
        tree = grow("root", 0)
        log(tree.count())
        return [child.text for child in tree.children]

    check(run)


def test_what_goes_runs_its_finalizer_once_and_in_order(check: Check) -> None:
    class Session:
        def __init__(self, name):
            self.name = name

        def __del__(self):
            log(f"closed {sorted(self.__dict__.items())}")

    def run():
        def one(name):
            if MARK[0] not in ask(name):
                session = Session(name)
                return session.name
            return Session("other").name

        return [one(name) for name in NAMES]

    check(run)
