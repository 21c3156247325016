"""What overlaps: each test names the pattern, and asserts the number of calls in flight from the run's own counters."""

from __future__ import annotations

import collections
import csv
import enum
import io
import os
from dataclasses import dataclass
from typing import Any

from .conftest import Check, ask, log

NAMES = ["a", "b", "c", "d"]
TABLE: dict[str, Any] = {"count": 0}
COUNT = 0


def _overlaps(check: Check, function: Any, *arguments: Any, calls: int = 4) -> None:
    stats = check(function, lambda: arguments, width=calls)
    assert stats is not None
    assert (stats.calls, stats.most_in_flight) == (calls, calls)


def test_the_calls_of_an_append_loop_overlap(check: Check) -> None:
    def collect(names):
        out = []
        for name in names:
            out.append(ask(name))
        return out

    _overlaps(check, collect, NAMES)


def test_the_calls_of_a_comprehension_overlap(check: Check) -> None:
    def collect(names):
        return [ask(name) for name in names], len(names)

    _overlaps(check, collect, NAMES)


def test_the_calls_of_independent_statements_overlap(check: Check) -> None:
    def collect():
        first = ask("a")
        second = ask("b")
        return first + second

    _overlaps(check, collect, calls=2)


def test_calls_overlap_although_each_answer_is_joined_to_a_string(check: Check) -> None:
    def collect(names):
        parts = []
        for name in names:
            parts.append(ask(name).strip())
        return ",".join(parts)

    _overlaps(check, collect, NAMES)


def test_effects_stay_in_order_while_calls_overlap(check: Check) -> None:
    def collect(names):
        for name in names:
            print(name)
            print(ask(name))

    _overlaps(check, collect, NAMES)


def test_branches_on_answers_do_not_hold_up_the_next_call(check: Check) -> None:
    def collect(names):
        good = []
        for name in names:
            answer = ask(name)
            if "a" in answer:
                good.append(answer)
            else:
                good.append(None)
        return good

    _overlaps(check, collect, NAMES)


def test_calls_in_helpers_overlap(check: Check) -> None:
    def helper(name, *, suffix="!"):
        prompt = name + suffix
        return ask(prompt).upper()

    def collect(names):
        return {name: helper(name) for name in names}

    _overlaps(check, collect, NAMES)


def test_a_length_is_known_before_the_items_are(check: Check) -> None:
    def collect(names):
        out = []
        for name in names:
            out.append(ask(f"{name}{len(out)}"))
        return out

    _overlaps(check, collect, NAMES)


def test_a_key_that_is_stored_is_seen_before_it_is_committed(check: Check) -> None:
    def collect(names):
        seen = {}
        for name in names:
            if name not in seen:
                seen[name] = ask(name)
        return seen, list(seen)

    _overlaps(check, collect, ["a", "b", "a", "c", "d", "b"])


@dataclass
class Row:
    name: str
    answer: Any = None


class Agent:
    def __init__(self, name):
        self.name = name
        self.history = []
        self.turns = 0

    def ask(self, question):
        self.turns += 1
        self.history.append(question)
        answer = ask(f"{self.name}{question}{self.turns}")
        self.history.append(answer)
        return answer

    @property
    def summary(self):
        return ask(f"summary of {self.name}")


def test_methods_of_different_objects_overlap(check: Check) -> None:
    def collect(names):
        agents = [Agent(name) for name in names]
        for agent in agents:
            agent.ask("why")
        return [(agent.history, agent.turns) for agent in agents]

    _overlaps(check, collect, NAMES)


def test_properties_are_entered(check: Check) -> None:
    def collect(names):
        return [Agent(name).summary for name in names]

    _overlaps(check, collect, NAMES)


def test_fields_of_dataclasses_are_places_of_their_own(check: Check) -> None:
    def collect(names):
        rows = [Row(name) for name in names]
        for row in rows:
            row.answer = ask(row.name)
        return [row.answer for row in rows]

    _overlaps(check, collect, NAMES)


def test_globals_are_read_and_written_at_their_place(check: Check) -> None:
    def collect(names):
        global COUNT
        COUNT = 0
        for name in names:
            COUNT += 1
            TABLE[name] = ask(f"{name}{COUNT}")
        return COUNT

    _overlaps(check, collect, NAMES)


def test_closures_share_their_variables(check: Check) -> None:
    def collect(names):
        count = 0

        def step(name):
            nonlocal count
            count += 1
            return ask(f"{name}{count}")

        return [step(name) for name in names], count

    _overlaps(check, collect, NAMES)


def test_handlers_of_each_item_are_decided_by_themselves(check: Check) -> None:
    def collect(names):
        out = []
        for name in names:
            try:
                out.append(ask(name))
            except ValueError as error:
                out.append(str(error))
        return out

    _overlaps(check, collect, ["a", "bad", "c", "bad2"])


def test_enumerate_zip_and_items_are_stepped_ahead(check: Check) -> None:
    def collect(names):
        out = {}
        for i, (name, other) in enumerate(zip(names, reversed(names))):
            out[i] = ask(name + other)
        for key, value in {"x": 1}.items():
            out[key] = value
        return out

    _overlaps(check, collect, NAMES)


def test_callbacks_of_builtins_overlap(check: Check) -> None:
    def collect(names):
        return sorted(names, key=lambda name: ask(name)), list(map(ask, []))

    _overlaps(check, collect, NAMES)


def test_generators_are_run_as_part_of_the_loop(check: Check) -> None:
    def pairs(names):
        for name in names:
            log(name)
            yield name + name

    def collect(names):
        out = []
        for pair in pairs(names):
            out.append(ask(pair))
        return out

    stats = check(collect, lambda: (NAMES,))
    assert stats is not None
    assert stats.calls == len(NAMES)


def test_arguments_are_frozen_when_the_call_is_issued(check: Check) -> None:
    def collect(names):
        query = {"q": None}
        out = []
        for name in names:
            query["q"] = name
            out.append(ask(str(query)))
        return out

    _overlaps(check, collect, NAMES)


def test_objects_returned_as_objects_do_not_stop_what_does_not_use_them(check: Check) -> None:
    def collect(names):
        answers = {}
        for name in names:
            answers[name] = ask(name)
        return answers

    _overlaps(check, collect, NAMES)


def test_a_helper_that_may_raise_its_own_error_does_not_hold_up_the_next_item(check: Check) -> None:
    def label(name):
        answer = ask(name)
        if len(answer) > 4:
            raise ValueError("too long: " + answer)
        return answer

    def collect(names):
        found = {}
        for name in names:
            try:
                found[name] = label(name)
            except ValueError as error:
                found[name] = str(error)
        return found

    _overlaps(check, collect, ["a", "bb", "ccc", "d"])


def test_printing_the_error_of_one_item_does_not_hold_up_the_next(check: Check) -> None:
    def collect(names):
        found = []
        for name in names:
            try:
                answer = ask(name)
                assert len(answer) < 4, answer
                found.append(answer)
            except AssertionError as error:
                print("failed", name, error)
        return found

    _overlaps(check, collect, ["a", "bb", "ccc", "d"])


def test_reading_the_environment_waits_for_no_answer(check: Check) -> None:
    def collect(names):
        os.environ["XCS_TEST_NAME"] = "x"
        found = [
            ask(os.environ["XCS_TEST_NAME"] + os.environ.get("XCS_TEST_NONE", "-") + name) for name in names
        ]
        os.environ["XCS_TEST_NAME"] = found[0]
        found.append(os.environ["XCS_TEST_NAME"])
        del os.environ["XCS_TEST_NAME"]
        return found

    _overlaps(check, collect, NAMES)


def test_votes_groups_and_means_of_answers_overlap(check: Check) -> None:
    def collect(names):
        votes, counts, rows = {}, collections.Counter(), []
        for name in names:
            answer = ask(name)
            votes[answer] = votes.get(answer, 0) + 1
            counts[answer[:1]] += 1
            row = {"length": len(answer), "name": len(name)}
            row["mean"] = sum(row.values()) / len(row)
            rows.append(row)
        best = max(rows, key=lambda row: row["mean"])
        return votes, counts.most_common(1), rows, best, sum(row["mean"] for row in rows)

    _overlaps(check, collect, NAMES)


def test_rows_written_as_csv_and_members_of_an_enum_overlap(check: Check) -> None:
    class Kind(enum.Enum):
        FIRST = "one"

    def collect(names):
        text = io.StringIO()
        rows = csv.writer(text)
        for name in names:
            rows.writerow([Kind.FIRST.value, ask(Kind.FIRST.name + name)])
        return text.getvalue()

    _overlaps(check, collect, NAMES)
