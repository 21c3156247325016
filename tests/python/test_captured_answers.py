"""Variables that nested functions capture while they are still to come, and what is told from tables of records."""

from __future__ import annotations

import functools
import json
from collections import OrderedDict
from typing import Any

import pytest
import xcs

from .conftest import Check, ask, log

NAMES = ["a", "bb", "ccc", "dddd"]


def test_a_generator_expression_over_an_answer_that_it_captures_does_not_hold_up_the_next_one(
    check: Check,
) -> None:
    def known(text):
        return "+".join(name for name in NAMES if name in text)

    def run():
        out = []
        for name in NAMES:
            out.append(ask(known(ask(name)) + name))
        return out

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_a_lambda_sees_what_it_captures_as_it_is_when_it_is_called(check: Check) -> None:
    def run():
        answer = ask("a")
        later = [lambda: answer]
        first = later[0]()
        answer = ask("b" + answer)
        log("between")
        return first, later[0](), sorted(NAMES, key=lambda n: (n not in answer, n))

    check(run)


def test_a_captured_answer_is_there_for_whatever_runs_as_it_is(check: Check) -> None:
    def run():
        answer = ask("a")

        def tell(prefix):
            return prefix + answer

        bound = functools.partial(tell, "p")
        log(lambda: None)
        inside = tell.__closure__[0].cell_contents
        return inside, bound(), list(map(tell, NAMES)), eval("f('q')", {"f": tell})

    check(run)


def test_an_inner_function_assigns_what_is_captured_while_it_is_to_come(check: Check) -> None:
    def run():
        count = ask("a")

        def more():
            nonlocal count
            count += ask("b")
            return count

        return more(), count, more(), count

    check(run)


@pytest.mark.parametrize("effect", ["independent", "pure"])
def test_a_declared_callee_finds_what_it_captures_as_it_is_at_the_call(check: Check, effect: Any) -> None:
    def run():
        x = "none"

        @xcs.op(effect=effect)
        def told(q):
            return q + str(x)

        before = told("0")
        x = ask("one")
        between = told("1")
        x = "after"
        return before, between, told("2")

    check(run)


# --- Tables ---------------------------------------------------------------------------------------------------------


def shout(text):
    log(text)
    return ask(text.upper())


def whisper(text):
    return ask(text.lower())


TOOLS: dict[str, dict[str, Any]] = {
    "shout": {"function": shout, "schema": {"name": "shout", "parameters": {"text": "string"}}, "price": 2},
    "whisper": {
        "function": whisper,
        "schema": {"name": "whisper", "parameters": {"text": "string"}},
        "price": 1,
    },
}


def test_what_a_record_of_a_table_holds_is_told_by_its_key(check: Check) -> None:
    def run():
        spent, out = 0, []
        for name in NAMES:
            chosen = "shout" if "b" in ask(name) else "whisper"
            entry = TOOLS[chosen]
            out.append(entry["function"](**json.loads(json.dumps({"text": name}))))
            spent += entry["price"]
        return out, spent

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_a_record_that_is_no_function_raises_when_its_turn_comes(check: Check) -> None:
    def run():
        out = []
        for name in NAMES:
            try:
                out.append(TOOLS["shout" if "b" in ask(name) else "whisper"]["schema"](name))
            except TypeError as error:
                out.append(str(error))
            log(name)
        return out

    check(run)


def test_a_table_that_is_changed_while_a_record_of_it_is_to_come(check: Check) -> None:
    def run():
        table = {key: dict(entry) for key, entry in TOOLS.items()}
        out = []
        for name in NAMES:
            key = "shout" if "b" in ask(name) else "whisper"
            out.append(table[key]["function"](name))
            table[key]["function"] = whisper if table[key]["function"] is shout else shout
            table["whisper"]["price"] = len(out)
        return out, [entry["price"] for entry in table.values()]

    check(run)


def test_views_of_an_ordered_dict_are_stepped_in_its_order(check: Check) -> None:
    def run():
        memory: OrderedDict[str, str] = OrderedDict()
        for name in NAMES:
            memory[name] = ask(name)
        memory.move_to_end("a")
        known = "\n".join(f"{k}: {v}" for k, v in memory.items() if k != "bb")
        memory.move_to_end("ccc", last=False)
        return known, list(memory), list(memory.values()), ask("; ".join(memory.keys())), max(memory.values())

    check(run, width=4)


@pytest.mark.parametrize("keys", ["a", "ab"])
def test_an_ordered_dict_that_grows_in_a_loop_over_it(check: Check, keys: str) -> None:
    def run():
        memory = OrderedDict.fromkeys(keys, 1)
        for k in memory:
            memory[k + ask(k)] = 2

    check(run)


# --- Instances with texts of their own --------------------------------------------------------------------------------


class Step:
    def __init__(self, number, text):
        self.number = number
        self.text = text
        self.result = None

    def __str__(self):
        return f"#{self.number}: {self.text}"

    def __len__(self):
        return len(self.text)

    def __contains__(self, word):
        return word in self.text


def planned(text):
    steps = []
    for i, word in enumerate(text.split("-")):
        step = Step(i, word)
        if len(word) > 1:
            steps.append(step)
    return steps


def test_steps_of_a_plan_that_is_to_come_are_shown_in_order_and_overlap(check: Check) -> None:
    def run():
        reports = []
        for name in NAMES:
            plan = planned(ask(f"{name}-{name}x-{name}y"))
            for step in plan:
                step.result = ask(str(step))
                print(step, "->", step.result)
                log(f"{step!s:>12}|{len(step)}|{'x' in step}|{bool(step)}")
            reports.append([s.result for s in plan])
        return reports

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds <= 3
