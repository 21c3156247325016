"""What an answer names and carries: tools by name with ** arguments, records of parsed text, members of enumerations,
groups that a factory makes, objects picked out of a list."""

from __future__ import annotations

import enum
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from .conftest import Check, ask, log

NAMES = ["0", "1", "2", "3"]
TOOLS: dict[str, Any] = {
    "add": {"call": lambda a, b=0: a + b},
    "log": {"call": lambda a, *, b=1, **more: log((a, b, more))},
}


class Mood(enum.Enum):
    CALM = "<0>"
    CROSS = "<1>"
    GLAD = "<2>"


@dataclass
class Invoice:
    number: int
    note: str = "-"


class Chunk:
    def __init__(self, text, source):
        self.text = text
        self.source = source


def number_in(answer):
    return {"a": json.loads(answer[1])}


def test_a_tool_by_name_with_the_arguments_of_an_answer(check: Check) -> None:
    def run():
        results = []
        for name in NAMES:
            answer = ask(name)
            tool = "log" if "1" in answer else "add" if "2" in answer else "none"
            try:
                result = TOOLS[tool]["call"](**number_in(answer))
            except KeyError as error:
                result = str(error)
            results.append({"tool": tool, "result": result})
            log(results[-1])
        ask("end")
        return results

    stats = check(run, width=5)
    assert stats is not None
    assert stats.rounds == 1


def test_a_record_of_what_was_parsed(check: Check) -> None:
    def run():
        records = []
        for name in NAMES:
            answer = ask(name)
            fields = {"number": number_in(answer)["a"]}
            if "2" in answer:
                fields["other"] = 1
            try:
                record = Invoice(**json.loads(json.dumps(fields)))
            except TypeError as error:
                log(str(error))
                continue
            records.append(record)
            log(record.number)
        ask("end")
        return records

    stats = check(run, width=5)
    assert stats is not None
    assert stats.rounds == 1


def test_keyword_arguments_that_do_not_fit_raise_in_order(check: Check) -> None:
    def run():
        def take(number, note="-"):
            log(number)
            return note

        for name in NAMES:
            fields = {"number": name}
            if "2" in ask(name):
                fields["number2"] = name
            take(**json.loads(json.dumps(fields)))

    check(run)


def test_members_of_an_enumeration_by_value(check: Check) -> None:
    def run():
        moods = []
        for name in NAMES:
            try:
                mood = Mood(ask(name))
            except ValueError as error:
                log(str(error))
                continue
            if mood is Mood.CROSS:
                log(mood.name)
            moods.append(mood)
        return moods

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_groups_that_a_factory_makes(check: Check) -> None:
    def run():
        groups: Any = defaultdict(lambda: {"right": 0, "all": 0})
        for name in NAMES:
            answer = ask(name)
            group = groups[len(answer) if "2" in answer else 0]
            group["all"] += 1
            if "1" in answer:
                group["right"] += 1
            groups["every"]["all"] += 1
        return dict(groups), list(groups)

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_factory_that_asks(check: Check) -> None:
    def run():
        found: Any = defaultdict(lambda: ask("default"))
        for name in NAMES:
            if "2" in ask(name):
                found[name] = "own"
            log(found[name])
        return sorted(found.items())

    check(run)


def test_attributes_of_objects_that_an_answer_picks(check: Check) -> None:
    def run():
        chunks = [Chunk(f"text {i}", f"source {i}") for i in range(12)]
        answers = []
        for name in NAMES[:2]:
            scores = {i: ask(f"{name} {chunk.text}")[-2] for i, chunk in enumerate(chunks)}
            order = sorted(scores, key=scores.get, reverse=True)
            best = [chunks[i] for i in order[:2]]
            answers.append(ask("\n".join(f"{chunk.text} ({chunk.source})" for chunk in best)))
            log(sorted({chunk.source for chunk in best}))
        return answers

    stats = check(run, width=24)
    assert stats is not None
    assert stats.rounds == 2
