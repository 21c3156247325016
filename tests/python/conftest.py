"""Callables that the tests of this folder run ahead."""

from __future__ import annotations

import collections
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import xcs


class World:
    """Independent calls whose latency is drawn from a seed, and a log of effects in the order they happened."""

    def __init__(self) -> None:
        self.effects: list[Any] = []
        self.calls: list[str] = []
        self.width = 0
        self._changed = threading.Condition()
        self._random = random.Random(0)

    def ask(self, prompt: str) -> str:
        with self._changed:
            self.calls.append(prompt)
            self._changed.notify_all()
            # No call ends before as many have begun as are said to overlap.
            assert self._changed.wait_for(lambda: len(self.calls) >= self.width, timeout=20)
            delay = self._random.random() * 0.004 if self.width else 0.0
        time.sleep(delay)
        if "bad" in prompt:
            raise ValueError(prompt)
        return f"<{prompt}>"

    def start(self, seed: int, width: int) -> None:
        self.effects.clear()
        self.calls.clear()
        self.width = width
        self._random = random.Random(seed)


WORLD = World()


@xcs.op
def ask(prompt: str) -> str:
    return WORLD.ask(prompt)


@xcs.op(returns="object")
def ask_object(prompt: str) -> Any:
    return WORLD.ask(prompt)


def log(effect: Any) -> None:
    WORLD.effects.append(effect)


Check = Callable[..., "xcs.Stats | None"]


@pytest.fixture
def check() -> Check:
    """Runs a function plainly and jitted, under several latencies, and compares what can be observed.

    Arguments are made anew by calling `make`. The first `width` calls of a jitted run wait for each other, so that it
    fails unless they overlap. Returns the stats of the last run.
    """

    def compare(
        function: Callable[..., Any], make: Callable[[], tuple[Any, ...]] = tuple, width: int = 1
    ) -> xcs.Stats | None:
        expected, calls = _observe(function, make(), 0, 0)
        jitted = xcs.jit(function)
        for seed in range(4):
            actual, made = _observe(jitted, make(), seed, width)
            assert actual == expected, f"seed {seed}"
            # Calls after the first exception may have been started; nothing else may.
            assert made == calls or ("raised" in actual and not calls - made), f"seed {seed}"
        return xcs.stats(jitted)

    return compare


def _observe(
    call: Callable[..., Any], arguments: tuple[Any, ...], seed: int, width: int
) -> tuple[str, collections.Counter[str]]:
    WORLD.start(seed, width)
    try:
        result: Any = ("returned", call(*arguments))
    except Exception as error:  # noqa: BLE001 - compared
        context = error.__context__
        result = (
            "raised",
            type(error),
            error.args,
            repr(error.__cause__),
            type(context),
            error.__suppress_context__,
        )
    text = re.sub(r"0x[0-9a-f]+", "0x", repr((result, WORLD.effects, arguments)))
    return text, collections.Counter(WORLD.calls)
