"""What is known of values that are not there yet: what code that waits may do with them is told from what they can be."""

from __future__ import annotations

import collections
import json
from typing import Any

import xcs

from .conftest import Check, ask, log

NAMES = ["a", "b", "c", "d"]


class Agent:
    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: list[str] = []
        self.tools = {"long": self.long, "short": self.short}
        self.used: collections.Counter[str] = collections.Counter()

    def long(self, text):
        self.used["long"] += 1
        self.notes.append(text)
        return ask(f"{self.name} {text} at length")

    def short(self, text):
        self.used["short"] += 1
        return ask(f"{self.name} {text}")

    def run(self, question):
        answer = ask(question)
        return self.tools["long" if "a" in answer or "c" in answer else "short"](answer)


@xcs.op
def seen(agent: Any) -> str:
    return repr((agent.name, agent.notes))


def test_an_instance_is_seen_with_the_changes_that_precede_the_call(check: Check) -> None:
    def run():
        agent = Agent("x")
        agent.notes.append(ask("a"))
        first = seen(agent)
        agent.notes.append("later")
        return first, seen(agent)

    check(run)


@xcs.op
def both_seen(pair: Any) -> str:
    return repr((pair[0], pair[1].notes))


def test_a_list_and_an_instance_that_holds_it_are_seen_alike(check: Check) -> None:
    def run():
        agent, shared = Agent("x"), ["first"]
        agent.notes = shared
        shared.append(ask("a"))
        return both_seen((shared, agent)), both_seen(((shared,), agent))

    check(run)


def test_tools_out_of_a_table_overlap_whichever_the_answer_names(check: Check) -> None:
    def run(names):
        agents = [Agent(name) for name in names]
        answers = []
        for agent in agents:
            answers.append(agent.run("why, " + agent.name))
        return answers, [(agent.notes, agent.used) for agent in agents]

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_a_tool_that_an_answer_names_changes_what_later_code_reads(check: Check) -> None:
    def run():
        agent = Agent("x")
        agent.run("a question")
        count = agent.used["long"]
        agent.run("another")
        return count, len(agent.notes), agent.used, ask(json.dumps(agent.notes))

    check(run)


def lines(name):
    found = []
    for word in ask(name).split():
        if word:
            found.append(word)
    return found


def test_a_list_that_a_helper_makes_is_known_to_hold_data(check: Check) -> None:
    def run(names):
        kept = []
        for name in names:
            for line in lines(name):
                if line in kept:
                    continue
                kept.append(line)
                log(line)
        return kept

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


class Loud:
    """Its operators can be heard."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        log(("compared", self.name))
        NOTED.append(self.name)
        return False

    __hash__ = None  # type: ignore[assignment]

    def speak(self) -> None:
        NOTED.append("speaks " + self.name)


NOTED: list[str] = []


def test_what_is_put_into_a_list_of_data_afterwards_is_not_taken_for_data(check: Check) -> None:
    def run():
        NOTED.clear()
        words = lines("a")
        words.append(Loud("late"))
        missing = "zzz" in words
        before = len(NOTED)
        for word in words:
            if not isinstance(word, str):
                word.speak()
        return missing, before, list(NOTED), ask(str(NOTED))

    check(run)


class Shelf:
    def __init__(self) -> None:
        self.items: list[Any] = []

    def fetch(self, name):
        answer = ask(name)
        if "a" in answer:
            self.items.append(answer)
        return self.items


def test_a_list_that_something_else_holds_too_is_looked_at_when_it_is_used(check: Check) -> None:
    def run():
        NOTED.clear()
        shelf = Shelf()
        items = shelf.fetch("a")
        shelf.items.append(Loud("early"))
        for item in items:
            if not isinstance(item, str):
                item.speak()
        return len(NOTED), list(NOTED), len(shelf.items), items is shelf.items

    check(run)


class Record:
    def __init__(self, name: str) -> None:
        self.name = name
        self.tries = 0


def work(name):
    record = Record(name)
    while record.tries < 3:
        record.tries += 1
        if "a" in ask(f"{name}{record.tries}"):
            break
    return record


def test_what_a_helper_returns_is_there_before_the_helper_is_done(check: Check) -> None:
    def run(names):
        records = []
        for name in names:
            records.append(work(name))
        return [(r.name, r.tries) for r in records], records[0] is records[-1]

    stats = check(run, lambda: (["x", "y", "a", "z"],), width=4)
    assert stats is not None
    assert stats.most_in_flight == 4


def choose(flag, left, right):
    return left if "a" in ask(flag) else right


def test_the_object_that_is_chosen_is_the_very_one(check: Check) -> None:
    def run():
        left, right = Record("left"), Record("right")
        one, other = choose("a", left, right), choose("b", left, right)
        one.tries += 1
        other.tries += 10
        return one is left, other is right, left.tries, right.tries, ask(one.name)

    check(run)


def test_a_missing_key_of_a_defaultdict_is_stored_when_the_key_is_there(check: Check) -> None:
    def run(names):
        groups = collections.defaultdict(list)
        sizes = []
        for name in names:
            groups[ask(name)].append(name)
            sizes.append(len(groups))
        nothing = groups[ask("other")]
        return dict(groups), sizes, nothing, len(groups)

    check(run, lambda: (["a", "b", "a"],))
