"""A loop that gains nothing from being walked through goes on as CPython runs it, from some turn on."""

from __future__ import annotations

from typing import Any

import pytest
import xcs

from .conftest import WORLD, ask


@xcs.op
def size(messages: list[Any]) -> str:
    return f"{len(messages)} messages"


class Counter:
    def __init__(self) -> None:
        self.total = 0
        self.seen: list[int] = []

    def count(self, value: int) -> int:
        if value == 170:
            raise LookupError(value)
        self.total += value
        self.seen.append(value)
        return self.total


class Quiet:
    def reply(self, prompt: int) -> Any:
        return prompt


class Asking(Quiet):
    def reply(self, prompt: int) -> Any:
        return ask(str(prompt))


def over_items(n: int) -> Any:
    counter, last = Counter(), None
    for i in range(n):
        if i % 7 == 3:
            continue
        last = counter.count(i)
    else:
        counter.count(-1)
    return counter.total, counter.seen, last, i


def left_by_break(n: int) -> Any:
    counter, items = Counter(), iter(range(1000))
    for i in items:
        if counter.count(i) > 50 * n:
            break
    else:
        counter.count(-1)
    return counter.seen, i, next(items)


def while_it_holds(n: int) -> Any:
    counter, i = Counter(), 0
    while counter.count(i) < 30 * n:
        i += 1
        if i == 150:
            del n
            n = 1
    else:
        i = -i
    return counter.seen, i


def handled(n: int) -> Any:
    counter, kept = Counter(), []
    for i in range(n + 100):
        try:
            kept.append(counter.count(i))
        except LookupError as error:
            kept.append(error.args)
    return kept


def made_of_a_generator(n: int) -> Any:
    counter = Counter()
    squares = (counter.count(i) * i for i in range(n))
    result = []
    for square in squares:
        result.append(counter.count(square % 100))
    return result


def nested(n: int) -> Any:
    counter, rows = Counter(), []
    for i in range(n // 4):
        row = []
        for k in range(40):
            row.append(counter.count(i + k) % 5)
        rows.append(row)
    return rows, [counter.count(i) for i in range(n)], counter.total


FUNCTIONS = [over_items, left_by_break, while_it_holds, handled, made_of_a_generator, nested]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("n", [10, 100, 160])
def test_rest_of_a_loop_is_that_of_cpython(function: Any, n: int) -> None:
    assert xcs.jit(function)(n) == function(n)


def test_exception_in_the_rest_of_a_loop_is_that_of_cpython() -> None:
    with pytest.raises(LookupError) as raised:
        xcs.jit(over_items)(300)
    lines = [entry.lineno for entry in raised.traceback if entry.name == "over_items"]
    assert lines == [over_items.__code__.co_firstlineno - 1 + 5]


def test_calls_of_another_class_in_later_turns_overlap() -> None:
    @xcs.jit
    def replies(agents: list[Quiet]) -> list[Any]:
        made = []
        for i, agent in enumerate(agents):
            made.append(agent.reply(i))
        return made

    WORLD.start(0, 20)
    assert replies([Quiet()] * 200 + [Asking()] * 20)[-1] == "<219>"
    stats = xcs.stats(replies)
    assert stats is not None
    assert (stats.calls, stats.most_in_flight) == (20, 20)


def test_calls_that_the_first_turns_do_not_reach_overlap() -> None:
    @xcs.jit
    def replies(quiet: Quiet, asking: Any, count: int) -> list[Any]:
        made = []
        for i in range(count):
            made.append(quiet.reply(i) if i < 200 else asking.reply(i))
        return made

    WORLD.start(0, 20)
    assert replies(Quiet(), Asking(), 220)[-1] == "<219>"
    stats = xcs.stats(replies)
    assert stats is not None
    assert (stats.calls, stats.most_in_flight) == (20, 20)


def test_each_turn_of_a_growing_conversation_waits_once() -> None:
    @xcs.jit
    def conversation(turns: int) -> int:
        messages: list[dict[str, Any]] = []
        while True:
            messages.append({"role": "user", "content": f"turn {len(messages)}"})
            messages.append({"role": "assistant", "content": size(messages)})
            if len(messages) >= 2 * turns:
                return len(messages)

    forwards: list[int] = []
    for turns in (20, 40):
        assert conversation(turns) == 2 * turns
        stats = xcs.stats(conversation)
        assert stats is not None
        forwards.append(stats.forwards)
    assert forwards[1] < 3 * forwards[0]
