"""`x += y` while x or y is still to come: counters overlap, and what changes in place is seen under every name."""

from __future__ import annotations

from typing import Any

import xcs

from .conftest import WORLD, Check, ask, log

NAMES = ["a", "b", "c", "d"]


@xcs.op(returns="data")
def ask_list(prompt: str) -> list[str]:
    return [WORLD.ask(prompt), prompt]


@xcs.op(returns="data")
def ask_usage(prompt: str) -> dict[str, Any]:
    return {"text": WORLD.ask(prompt), "tokens": len(prompt), "by": {"in": 2, "out": 3}}


class Meter:
    def __init__(self) -> None:
        self.total = 0
        self.calls = 0

    def ask(self, prompt: str) -> str:
        answer = ask_usage(prompt)
        self.total += answer["by"]["out"]
        self.total += answer["tokens"]
        self.calls += 1
        return answer["text"]


def test_counters_of_what_answers_hold_do_not_hold_up_the_next_call(check: Check) -> None:
    def run(names):
        meter, texts, seen = Meter(), [], {"tokens": 0}
        for name in names:
            texts.append(meter.ask(name))
            seen["tokens"] += len(texts)
        return meter.total, meter.calls, texts, seen

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert (stats.rounds, stats.most_in_flight) == (1, 4)


def test_a_count_of_answers_that_match_does_not_hold_up_the_next_call(check: Check) -> None:
    def run(names):
        right, rates = 0, []
        for i, name in enumerate(names):
            right += ask(name) == "<b>"
            rates.append(right / (i + 1))
        return right, rates

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_list_that_grows_in_place_is_one_object_under_all_its_names(check: Check) -> None:
    def run(names):
        first = ask_list(names[0])
        other = first
        kept = {"list": other}
        for name in names[1:]:
            first += ask_list(name)
            before = first
            first += [len(name)]
            kept["list"].append(name)
            print(len(kept["list"]), before is other)
        other += ("end",)
        return first is other, first, kept, other[-1]

    check(run, lambda: (NAMES,))


def test_what_grows_in_place_is_read_as_it_is_at_each_place(check: Check) -> None:
    def run(names):
        total: Any = ask_list(names[0])
        for name in names[1:]:
            alias = total
            log(len(alias))
            total += ask_list(name)
            print(name, len(alias), alias[-1])
            ask(",".join(alias))
            total = total + ["new"]  # noqa: RUF005 - unlike `+=`, a new list
            print(len(alias), len(total))
        return total

    check(run, lambda: (NAMES,))


def test_an_operator_that_makes_a_new_object_leaves_the_old_one_alone(check: Check) -> None:
    def run(names):
        seen: Any = frozenset()
        history = []
        for name in names:
            before = seen
            seen |= set(ask_list(name))
            history.append((before, len(seen)))
        return sorted(seen), [(sorted(b), n) for b, n in history]

    check(run, lambda: (NAMES,))
