"""Generators and iterators, given to what takes their items."""

from __future__ import annotations

import collections
import functools
import io
import itertools
import operator
from collections.abc import Iterator
from typing import Any

from ..conftest import ask, log
from . import program

# ruff: noqa: C400, C401, C402, C416, RUF037, RUF058 - the forms are what is tested

NAMES = ["a", "bb", "ccc", "dddd", "e"]


def asked(name: str) -> str:
    return ask(name) + "!"


def scored(name: str) -> int:
    return len(ask(name))


@program()
def a_list_is_extended_by_a_generator() -> Any:
    out: list[str] = ["first"]
    out.extend(ask(name) for name in NAMES)
    return out


@program(width=8)
def methods_take_generators() -> Any:
    seen: set[str] = set()
    seen.update(ask(name) for name in NAMES[:2])
    table: dict[str, str] = {}
    table.update((name, ask(name)) for name in NAMES[:2])
    queue: collections.deque[str] = collections.deque([])
    queue.extend(ask(name) for name in NAMES[:2])
    text = "; ".join(asked(name) for name in NAMES[:2])
    return sorted(seen), table, queue, text


@program(width=10)
def containers_are_made_of_generators() -> Any:
    return (
        list(ask(name) for name in NAMES[:2]),
        tuple(ask(name) for name in NAMES[:2]),
        dict((name, ask(name)) for name in NAMES[:2]),
        sorted(set(ask(name) for name in NAMES[:2])),
        collections.deque((ask(name) for name in NAMES[:2]), maxlen=1),
    )


@program()
def items_are_counted_where_a_judge_says_so() -> Any:
    return sum(1 for name in NAMES if scored(name) > 3)


@program(width=20)
def sums_and_extremes_of_generators() -> Any:
    return (
        sum(scored(name) for name in NAMES),
        max((ask(name), name) for name in NAMES),
        min((scored(name) for name in NAMES), default=0),
        functools.reduce(operator.add, (ask(name) for name in NAMES), "start"),
    )


@program(width=15)
def keys_are_computed_by_calls() -> Any:
    return (
        max(NAMES, key=scored),
        min(NAMES, key=lambda name: ask(name)),
        sorted(NAMES, key=scored, reverse=True),
    )


@program(rounds=5, width=1)
def the_first_is_looked_for() -> Any:
    return any(ask(name) == "<e>" for name in NAMES), 0


@program(width=15)
def map_over_lists() -> Any:
    both = list(map(lambda a, b: ask(a + b), NAMES, NAMES))
    return both, tuple(map(asked, NAMES)), [answer for answer in map(ask, NAMES)]


@program(width=10)
def filter_with_a_judge() -> Any:
    return tuple(filter(lambda name: scored(name) > 3, NAMES)), sorted(itertools.filterfalse(scored, NAMES))


@program()
def a_loop_over_map() -> Any:
    out = []
    for number, answer in enumerate(map(asked, NAMES), 1):
        log(number)
        out.append(f"{number}. {answer}")
    return out


@program(width=10)
def iterators_in_variables_that_are_used_once() -> Any:
    generator = (ask(name) for name in NAMES)
    mapped = map(ask, NAMES)
    kind = type(mapped)
    out = [answer for answer in generator]
    return out, list(mapped), kind


@program(width=8)
def chains_and_slices() -> Any:
    out = []
    for name in itertools.chain(NAMES[:2], NAMES[2:3]):
        out.append(ask(name))
    for name in itertools.islice(itertools.chain.from_iterable([NAMES[3:], NAMES]), 1, 4):
        out.append(ask(name))
    out.extend(itertools.islice((ask(name) for name in NAMES), 2))
    return out, list(itertools.chain((ask(name) for name in NAMES[:2]), map(asked, NAMES[2:])))


@program(width=14)
def products_and_combinations() -> Any:
    pairs = {(a, b): ask(a + b) for a, b in itertools.combinations(NAMES[:4], 2)}
    return (
        pairs,
        [ask(a + b) for a, b in itertools.product(NAMES[:2], "xy")],
        [ask("".join(p)) for p in itertools.permutations("xyz", 2)][:4],
    )


@program(width=10)
def steps_of_other_iterators() -> Any:
    return (
        list(itertools.starmap(ask_both, zip(NAMES, NAMES))),
        list(itertools.accumulate(map(ask, NAMES))),
        [ask(a + b) for a, b in zip(NAMES, itertools.cycle("xy"))] if False else [],
        list(itertools.repeat("q", 2)),
    )


def ask_both(a: str, b: str) -> str:
    return ask(a + b)


@program(width=9)
def neighbours() -> Any:
    return [ask(a + b) for a, b in itertools.pairwise(NAMES)], list(itertools.pairwise(ask(n) for n in NAMES))


@program(width=3)
def lines_are_written() -> Any:
    text = io.StringIO()
    text.writelines(ask(name) + "\n" for name in NAMES[:3])
    return text.getvalue()


def chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        log(start)
        yield items[start : start + size]


@program()
def batches_of_a_generator() -> Any:
    out: list[str] = []
    for batch in chunks(NAMES, 2):
        out.extend(ask(name) for name in batch)
    return out


def answers(names: list[str]) -> Iterator[str]:
    try:
        for name in names:
            yield ask(name)
    finally:
        log("closed")


@program(width=8)
def generators_that_clean_up() -> Any:
    log("before")
    first = tuple(answers(NAMES))
    return first, sorted(answers(NAMES[:3]))


# Nothing of these may overlap more than it does, or be seen to.


@program(rounds=1, width=1)
def a_sum_that_fails_stops_its_generator() -> Any:
    def items() -> Iterator[Any]:
        yield 1
        log("second")
        yield ask("b")
        log("never")
        yield 2

    try:
        sum(items())
    except TypeError as error:
        return str(error)


@program(rounds=1, width=1)
def a_generator_catches_nothing_of_what_is_done_with_its_items() -> Any:
    def items() -> Iterator[Any]:
        try:
            yield ask("a")
        except TypeError:
            log("caught")
            yield "other"

    try:
        return sum(items())
    except TypeError as error:
        return str(error)


@program(rounds=1, width=1)
def pairs_that_are_none() -> Any:
    def items(bad: Any) -> Iterator[Any]:
        yield "a", ask("a")
        log("first")
        yield bad
        log("never")

    out = []
    for bad in (("x",), "xyz", 3):
        try:
            out.append(dict(items(bad)))
        except (TypeError, ValueError) as error:
            out.append(repr(error))
    return out


@program(rounds=1, width=1)
def a_generator_that_stops_by_an_exception() -> Any:
    def items() -> Iterator[Any]:
        yield ask("a")
        raise StopIteration("early")

    try:
        return list(items())
    except RuntimeError as error:
        return str(error), repr(error.__cause__)


@program(rounds=2, width=1)
def an_iterator_that_is_shared() -> Any:
    generator = (ask(name) for name in NAMES)
    mapped = map(ask, NAMES)
    first = next(generator), next(mapped)
    ask("x")
    return first, list(generator), list(generator), list(mapped), list(mapped), ask("y")


@program(rounds=1, width=1)
def an_extension_that_fails_leaves_what_came_before() -> Any:
    out: list[Any] = []
    try:
        out.extend(int(ask(name).strip("<>")) for name in ["1", "2", "x"])
    except ValueError as error:
        out.append(str(error))
    return out
