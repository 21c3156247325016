"""Decorators that call again: code after a call that may be made again does not wait for it."""

from __future__ import annotations

import functools
import random
import time

from .conftest import Check, ask

NAMES = ["a", "bb", "bad", "dddd"]


def retrying(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            failures = 0
            delay = 1e-6
            while True:
                try:
                    return function(*args, **kwargs)
                except ValueError:
                    failures += 1
                    if failures > times:
                        raise RuntimeError("too often") from None
                    delay *= 2 * (1 + random.random())
                    time.sleep(delay)
                except Exception as error:
                    raise error

        return wrapper

    return decorate


@retrying(2)
def question(prompt):
    return ask(prompt)


def test_calls_that_may_be_made_again_overlap(check: Check) -> None:
    def run():
        random.seed(0)
        found, dropped = [], 0
        for name in NAMES:
            try:
                draft = question("draft " + name)
                final = question("polish " + draft)
            except Exception as error:  # noqa: BLE001 - programs do
                dropped += 1
                print("dropped", name, error)
                continue
            found.append(final)
            print(name, "done")
        return found, dropped

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds <= 3  # the one that fails three times
