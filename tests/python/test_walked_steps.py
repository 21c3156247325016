"""What code ahead does with suspended generators, spread arguments and the exception at hand, found by walking it."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import pytest

from .conftest import Check, ask, log

NAMES = ["a", "bb", "bad", "dddd"]
STEPS = {"taken": 0}
LOGGER = logging.getLogger("walked steps")


def powers(base=2.0, factor=1e-6):
    exponent = 0
    yield None
    while True:
        yield factor * base**exponent
        exponent += 1


def counted(first=0):
    given = yield first
    while True:
        STEPS["taken"] += 1
        given = yield given


def remembering(seen):
    value = yield None
    while True:
        seen.append(value)
        value = yield len(seen)


def attempts(waits, prompt, tries=3):
    """Calls again after a wait that a generator of its own gives."""
    for attempt in range(tries):
        try:
            return ask(prompt)
        except ValueError as error:
            seconds = waits.send(error)
            kind, raised, _ = sys.exc_info()
            details = [kind.__name__, attempt]
            details.append(str(raised))
            LOGGER.debug("%s %s %s", *details)
            time.sleep(seconds)
    return None


def test_waits_of_a_generator_hold_up_nothing(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            waits = powers()
            waits.send(None)
            found.append(attempts(waits, name))
        return found

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds <= 3


@pytest.mark.parametrize(
    "make", [counted, lambda: remembering([]), lambda: remembering(STEPS.setdefault("seen", []))]
)
def test_steps_that_can_be_told_are_in_order(check: Check, make: Any) -> None:
    def run():
        STEPS.clear()
        STEPS.update(taken=0)
        steps = make()
        found = [next(steps)]
        for name in NAMES:
            try:
                answer = ask(name)
                if len(answer) > 4:
                    found.append(steps.send(answer))
            except ValueError:
                found.append(next(steps))
            log((name, STEPS["taken"], len(STEPS)))
            found.append(ask(f"{STEPS['taken']} {name[:2]}"))
        return found, dict(STEPS)

    check(run)


def test_a_generator_that_ends(check: Check) -> None:
    def two():
        yield 1
        yield 2

    def run():
        steps = two()
        found = [next(steps)]
        for name in NAMES[:2]:
            if "a" in ask(name) or "b" in name:
                try:
                    found.append(steps.send(None))
                except StopIteration as stop:
                    found.append(repr(stop))
        return found, ask(str(found))

    check(run)


def test_what_cannot_be_called(check: Check) -> None:
    def run(function):
        found = []
        for name in NAMES[:2]:
            answer = ask(name)
            try:
                if "b" in answer:
                    function(answer)
            except TypeError as error:
                found.append(str(error))
            found.append(ask(name + "?"))
        return found

    check(run, lambda: (None,))
    check(run, lambda: (3,))


def test_spread_arguments_are_counted(check: Check) -> None:
    def three(first, second, third):
        log((first, second, third))
        return first + second + third

    def run():
        found = []
        for name in ["a", "bb", "ccc"]:
            parts = [name]
            if len(ask(name)) > 3:
                parts.append("more")
            parts.append(ask(name + "!"))
            try:
                found.append(three(*parts))
            except TypeError as error:
                found.append(str(error))
            print(*parts, sep="-")
            found.append("{}{}".format(*parts))
            found.append(max(*parts))
        return found, ask(str(found))

    check(run)
