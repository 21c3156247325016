"""Objects that only the code running ahead can reach are changed at once; all others in program order."""

from __future__ import annotations

import collections
from typing import Any

import pytest

from .conftest import Check, ask, ask_object, log

NAMES = ["a", "b", "c", "d"]
KEPT: list[Any] = []


class Point:
    def __init__(self, x: Any, history: list[Any]) -> None:
        self.x = x
        self.seen = [x]
        history.append(x)

    def move(self, by: int) -> None:
        self.x += by
        self.seen.append(self.x)


def fill(target: list[Any], prompt: str) -> None:
    answer = ask(prompt)
    target.append("called")
    target.append(answer)


def test_a_list_built_behind_a_call_needs_no_entries(check: Check) -> None:
    def build():
        first = ask("a")
        numbers, squares, last = [], {}, None
        for i in range(100):
            numbers.append(i)
            squares[i] = i * i
            last = i
        numbers += [last]
        del squares[3]
        return first, numbers, squares

    stats = check(build, lambda: ())
    assert stats.entries == 1


def test_answers_that_are_pending_are_kept_in_private_containers(check: Check) -> None:
    def build(names):
        rows, by_name, pairs = [], {}, [None] * len(names)
        for i, name in enumerate(names):
            answer = ask(name)
            rows.append({"name": name, "answer": answer})
            by_name[name] = answer
            pairs[-1 - i] = answer
            rows.append(answer)
        rows.reverse()
        taken = rows.pop(0)
        rows.insert(1, "x")
        return rows, taken, by_name, pairs, len(rows), "a" in by_name

    stats = check(build, lambda: (NAMES,), width=4)
    assert stats.entries == 4


def test_a_handler_of_the_caller_sees_no_change_that_follows_the_failure(check: Check) -> None:
    def run(prompts):
        out = []
        for prompt in prompts:
            try:
                fill(out, prompt)
            except ValueError as error:
                out.append(str(error))
        return out

    check(run, lambda: (["a", "bad", "c"],))


def test_a_handler_of_the_same_function_sees_no_change_that_follows_the_failure(check: Check) -> None:
    def run(prompt):
        out, table = [], {}
        try:
            out.append("before")
            answer = ask(prompt)
            out.append("after")
            table["answer"] = answer
        except ValueError:
            out.append("handled")
        finally:
            table["done"] = len(out)
        return out, table

    for prompt in ("a", "bad"):
        check(run, lambda prompt=prompt: (prompt,))


def test_what_an_earlier_effect_or_call_reads_does_not_change_under_it(check: Check) -> None:
    def run(names):
        out = []
        for name in names:
            messages = [name]
            log(messages)
            print(messages, out)
            out.append(ask(str(messages)))
            messages.append("later")
            out.append(messages)
        return out

    check(run, lambda: (NAMES,))


def test_aliases_in_variables_containers_closures_and_instances(check: Check) -> None:
    def run(names):
        a = []
        b = a
        holder = {"list": a}
        count = lambda: len(a)  # noqa: E731
        for name in names:
            answer = ask(name)
            b.append(answer)
            holder["list"].append(count())
            a.append(len(holder["list"]))
            del b
            b = holder["list"]
        return a is b, a, count()

    check(run, lambda: (NAMES,))


def test_instances_made_ahead(check: Check) -> None:
    def run(names):
        history, points = [], []
        for name in names:
            log(len(history))
            answer = ask(name)
            point = Point(len(name), history)
            point.move(2)
            point.label = answer
            points.append(point)
        return [(p.x, p.seen, p.label) for p in points], history

    check(run, lambda: (NAMES,))


def test_a_branch_that_waits_shares_its_objects(check: Check) -> None:
    def run(names):
        out, counts = [], collections.Counter()
        for name in names:
            if ask(name) > "<b":
                out.append(name)
                counts[name] += 1
            out.append("-")
            counts["all"] += 1
        return out, counts

    check(run, lambda: (NAMES,))


def test_objects_that_are_kept_elsewhere_change_in_order(check: Check) -> None:
    def run(names):
        KEPT.clear()
        for name in names:
            row = [name]
            KEPT.append(row)
            answer = ask_object(name)
            row.append(answer)
            log([list(r) for r in KEPT])
        return [list(r) for r in KEPT]

    check(run, lambda: (NAMES,))


def test_an_error_of_a_private_store_is_raised_in_its_place(check: Check) -> None:
    def run(prompt):
        out: list[Any] = []
        try:
            ask(prompt)
            out[3] = 1
        except (IndexError, ValueError) as error:
            return type(error).__name__, out
        return out

    for prompt in ("a", "bad"):
        check(run, lambda prompt=prompt: (prompt,))


def test_the_order_of_an_ordered_dict_that_waits_for_values(check: Check) -> None:
    def run(names):
        table = collections.OrderedDict()
        for name in names:
            table[name] = ask(name)
        table.move_to_end("a")
        return list(table.items()), table

    check(run, lambda: (NAMES,))


@pytest.mark.parametrize("prompt", ["a", "bad"])
def test_a_generator_and_a_comprehension_that_gather_answers(check: Check, prompt: str) -> None:
    def run(prompt):
        def each():
            row = []
            for name in NAMES:
                row.append(ask(name))
                yield row[-1]
            ask(prompt)

        return list(each()), [[ask(n) for n in NAMES] for _ in range(2)], {n: ask(n) for n in NAMES}

    check(run, lambda: (prompt,))
