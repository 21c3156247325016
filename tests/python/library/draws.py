"""Random numbers and other things that are drawn one after the other."""

from __future__ import annotations

import itertools
import random
import uuid
from typing import Any

from ..conftest import ask, log
from . import program

NAMES = ["a", "bb", "ccc", "dddd", "e"]
NUMBERS = itertools.count()


@program()
def choices_before_each_call() -> Any:
    random.seed(1)
    out = [ask(name + random.choice("xyz")) for name in NAMES]
    return out, random.random()


@program(width=8)
def samples_and_shuffles() -> Any:
    draws = random.Random(7)
    out = []
    for name in NAMES:
        order = list("wxyz")
        draws.shuffle(order)
        out.append(ask(name + "".join(order)))
    out.extend(ask("".join(draws.sample(NAMES, 2))) for _ in range(3))
    draws.shuffle(out)
    return out, draws.getstate()


@program()
def draws_after_each_call() -> Any:
    random.seed(3)
    out = []
    for name in NAMES:
        answer = ask(name)
        out.append(
            (answer, random.randint(0, 9), random.gauss(0, 1), random.choices(NAMES, weights=range(5), k=2))
        )
    return out, random.getstate()


@program()
def a_choice_among_answers() -> Any:
    random.seed(5)
    answers = [ask(name) for name in NAMES]
    chosen = random.choice(answers)
    rest = random.sample(answers, 2)
    log(chosen)
    return chosen in answers, rest, random.random()


@program(width=1)
def draws_that_never_happen_leave_no_trace() -> Any:
    random.seed(4)
    out = []
    try:
        out.append(random.random())
        int(ask("x"))
        out.append(random.random())
    except ValueError:
        out.append(random.random())
    return out, random.getstate()


@program(width=2)
def draws_that_an_answer_decides() -> Any:
    random.seed(6)
    out = []
    for name in NAMES:
        out.append(random.random())
        if ask(name) == "<ccc>":
            out.append(random.random())
        log(random.random())
    return out, random.getstate()


@program(width=1)
def seeds_and_states() -> Any:
    random.seed(2)
    log(ask("a"))
    state = random.getstate()
    first = random.random()
    random.setstate(state)
    second = random.random()
    random.seed("other")
    log(ask("b"))
    return first == second, random.random()


@program(width=1)
def a_draw_that_fails() -> Any:
    random.seed(8)
    answer = ask("a")
    try:
        random.choice([])
    except IndexError as error:
        return answer, str(error), random.random()


@program()
def identifiers_for_each_call() -> Any:
    return [len(str(uuid.uuid4()) + ask(name)) for name in NAMES]


@program(width=8)
def numbers_and_items_one_by_one() -> Any:
    numbers = itertools.count(10)
    names = iter(NAMES)
    out = [ask(f"{name}{next(numbers)}") for name in NAMES]
    for _ in range(3):
        out.append(ask(next(names) + "!"))
    for name in names:
        out.append(name)
    return out, next(numbers), next(names, "none"), list(names)


@program()
def pairs_with_numbers() -> Any:
    out = []
    for name, number in zip(NAMES, itertools.count(1)):
        out.append(ask(f"{number}{name}"))
    return out


@program(width=1)
def an_iterator_over_a_list_that_grows() -> Any:
    names = ["a"]
    iterator = iter(names)
    out = [next(iterator)]
    names.append(ask("b"))
    out.append(next(iterator))
    log(out)
    try:
        next(iterator)
    except StopIteration:
        log("over")
    names.append("c")
    return out, next(iterator, "none"), ask("d")
