"""The door through which a jitted generator function gives its items."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from xcs._errors import without_this_frame


def drive(run: Any) -> Generator[Any, Any, Any]:
    """What calling a jitted generator function gives; `run` is an `xcs._core.GeneratorRun`.

    Asked for an item, the run goes up to its next `yield`: the calls before it overlap, and all of them are complete
    when the item is given. What is sent or thrown in arrives at that `yield`.
    """
    sent, error = None, None
    while (step := run.advance(sent, error)) is not None:
        sent, error = None, None
        try:
            sent = yield step[0]
        except BaseException as thrown:  # noqa: BLE001 - thrown where the program yields
            error = without_this_frame(thrown)
        del step
    return run.take()
