"""The door through which an event loop drives the run of a coroutine function."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from xcs._errors import without_this_frame


async def drive(run: Any) -> Any:
    """What calling a jitted coroutine function gives; `run` is an `xcs._core.CoroutineRun`.

    The run is taken as far as it gets whenever one of its calls has ended, and the loop goes on in between. What the
    program awaits in order is awaited here, in the task that awaits the jitted function.
    """
    if not _is_on_asyncio():
        return await run.plain()
    closed = False
    try:
        while (waits := run.advance()) is not None:
            awaited, for_the_program = waits
            raised, value = False, None
            try:  # here and not in `outcome`: closing this coroutine has to be seen here
                value = await awaited
            except BaseException as error:  # noqa: BLE001 - handed to the run
                raised, value = True, without_this_frame(error)
                closed = isinstance(error, GeneratorExit)
            if for_the_program:
                run.answer(raised, value)
            elif raised:
                run.interrupt(value)
            del waits, awaited, value
    finally:
        if closed:
            run.leave()
        cancelled = None if closed else await _settled(run)
    if cancelled is not None:
        run.end()
        raise cancelled
    return run.take()


def _is_on_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _settled(run: Any) -> BaseException | None:
    """Waits until nothing of the run is running; the last exception that was thrown in meanwhile, or None."""
    error = None
    while (running := run.settle()) is not None:
        raised, value = await outcome(running)
        if raised:
            error = value
    return error


async def outcome(awaitable: Awaitable[Any]) -> tuple[bool, Any]:
    """What awaiting gives: whether it raised, and the result or the exception."""
    try:
        return False, await awaitable
    except BaseException as error:  # noqa: BLE001 - handed to the run, which raises it where it was awaited
        return True, without_this_frame(error)


async def outcome_of_call(
    callee: Callable[..., Awaitable[Any]], positional: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[bool, Any]:
    """As `outcome`, of what a call gives."""
    try:
        return False, await callee(*positional, **keywords)
    except BaseException as error:  # noqa: BLE001 - as above
        return True, without_this_frame(error)
