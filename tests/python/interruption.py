"""How runs with a journal or a cache end badly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import xcs


class Refused(Exception):
    """A call failed."""


class Stop(Exception):
    """Ends a block badly."""


@contextlib.contextmanager
def interrupted(**options: Any) -> Iterator[None]:
    """A block that does what it should and then ends badly."""
    with contextlib.suppress(Stop), xcs.config(**options):
        yield
        raise Stop
