"""Coroutines and generators of jitted functions that run as they are: whose model calls theirs are."""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from xcs import _core
from xcs._errors import without_this_frame

Later = Coroutine[Any, Any, Any] | Generator[Any, Any, Any]


def held(spender: _core.Spender, made: Later) -> Later:
    """The same, with the model calls of each of its steps, and of the tasks that these begin, those of `spender`."""
    later: Any = made
    waits = isinstance(later, types.CoroutineType)
    driver: Any = _awaited(spender, later) if waits else _steps(spender, later)
    driver.__name__, driver.__qualname__ = later.__name__, later.__qualname__
    return driver  # type: ignore[no-any-return]


def _steps(spender: _core.Spender, inner: Any) -> Generator[Any, Any, Any]:
    """Goes on with a generator, or with what an `await` goes on with, step by step."""
    step: Callable[[Any], Any] = inner.send
    sent: Any = None
    while True:
        try:
            given = spender.call(step, sent)
        except StopIteration as end:
            return end.value
        try:
            sent = yield given
            step = inner.send
        except GeneratorExit:
            spender.call(inner.close)
            raise
        except BaseException as error:  # noqa: BLE001 - thrown in where the program is
            sent, step = without_this_frame(error), inner.throw


class _Awaitable:
    def __init__(self, spender: _core.Spender, inner: Any) -> None:
        self._steps = _steps(spender, inner)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._steps


async def _awaited(spender: _core.Spender, coroutine: Any) -> Any:
    return await _Awaitable(spender, coroutine)
