"""Stores through values that are not there yet: what they may meet waits, and nothing else does."""

from __future__ import annotations

import collections
from typing import Any

import xcs

from .conftest import Check, ask, log

NAMES = ["a", "b", "c", "d"]
LIMITS = [4, 8]
SEEN: list[Any] = []


class Box:
    def __init__(self) -> None:
        self.items: list[Any] = []


def test_lists_kept_per_answer_do_not_hold_up_what_follows(check: Check) -> None:
    def run(names):
        groups = collections.defaultdict(list)
        for name in names:
            if len(name) < LIMITS[0]:
                groups[ask(name)[:2]].append(name)
        return dict(groups), sorted(groups.items())

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_setdefault_by_an_answer_does_not_hold_up_what_follows(check: Check) -> None:
    def run(names):
        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault(ask(name)[-2:], []).append(name)
        return groups

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_objects_kept_per_answer_do_not_hold_up_what_follows(check: Check) -> None:
    def run(names):
        groups = collections.defaultdict(list)
        boxes = [Box() for _ in names]
        for i, name in enumerate(names):
            groups[len(ask(name))].append(boxes[i])
        for group in groups.values():
            for box in group:
                box.items.append(len(group))
        return [box.items for box in boxes]

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_list_that_the_target_may_be_is_read_after_the_store(check: Check) -> None:
    def run():
        groups = {"<a>": [], "<b>": []}
        first = groups["<a>"]
        groups[ask("a")].append(1)
        log(len(first))
        groups[ask("b")].append(2)
        return len(first), first[0], groups

    check(run)


def test_a_list_that_an_earlier_answer_made_is_read_after_the_store(check: Check) -> None:
    def run():
        groups = collections.defaultdict(list)
        first = groups[ask("a")]
        log(first)
        groups[ask("b")[:0] + "<a>"].append(1)
        log(len(first))
        return first[0], len(first)

    check(run)


def test_a_list_that_a_waiting_function_made_is_read_after_the_store(check: Check) -> None:
    def fill(groups, box):
        if ask("a") == "<a>":
            made = []
            groups["x"] = made
            box.items = made

    def run():
        box = Box()
        groups = {"y": []}
        fill(groups, box)
        groups["x" if ask("b") else "y"].append(1)
        log(len(box.items))
        return box.items[0], len(box.items), groups

    check(run)


def test_a_list_inside_an_answer_is_read_after_the_store(check: Check) -> None:
    @xcs.op(returns="data")
    def table(name: str) -> Any:
        return {"rows": [ask.__wrapped__(name)]} if hasattr(ask, "__wrapped__") else {"rows": [name]}

    def run():
        held = {"k": table("a")}
        answer = held["k"]
        rows = answer["rows"]
        other = held[ask("k")[1:2]]
        other["rows"].append("more")
        log(len(rows))
        return rows, rows[-1]

    check(run)


def test_an_object_put_into_an_answer_is_found_there(check: Check) -> None:
    class Loud:
        def __eq__(self, other: object) -> bool:
            log("compared")
            return True

        __hash__ = object.__hash__

    def run():
        held: dict[str, list[Any]] = {}
        held.setdefault(ask("a"), []).append(Loud())
        log("before")
        found = held[ask("a")][0] == 1
        log("after")
        return found

    check(run)


def test_what_is_put_into_a_container_through_another_name_is_called(check: Check) -> None:
    def hello():
        log("hello")
        return ask("hello")

    def run():
        tools = {"<a>": [], "<b>": []}
        tools[ask("a")].append(hello)
        said = [tool() for tool in tools[ask("a")]]
        log("end")
        return said, ask("end")

    check(run)


def test_globals_are_not_what_an_answer_holds(check: Check) -> None:
    def run(names):
        SEEN.clear()
        notes = collections.defaultdict(dict)
        for name in names:
            notes[ask(name)]["limit"] = LIMITS[0]
            SEEN.append(name)
        return dict(notes), list(SEEN)

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_module_dictionary_that_is_known_to_be_the_target_is(check: Check) -> None:
    def run():
        spaces = {"<a>": globals(), "<b>": {}}
        spaces[ask("a")]["LIMITS"] = [9]
        try:
            log(LIMITS[0])
            return ask("b"), LIMITS[0]
        finally:
            spaces["<a>"]["LIMITS"] = [4, 8]

    check(run)


def test_a_method_that_an_answer_hides_may_do_anything(check: Check) -> None:
    @xcs.op(returns="object")
    def chosen(amount: int) -> Any:
        def add(box: dict[str, int]) -> None:
            box["sum"] += amount

        ask(f"chosen {amount}")
        return add

    class Account:
        def add(self, box: dict[str, int]) -> None:
            box["sum"] = -1

    def run():
        account = Account()
        account.add = chosen(5)  # type: ignore[method-assign]
        box = {"sum": 1}
        account.add(box)
        log(box["sum"])
        return box["sum"], box

    check(run)
