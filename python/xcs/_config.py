"""Options of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass, fields, replace
from typing import Any

from xcs import _core, _journal
from xcs._errors import UsageError


@dataclass(frozen=True)
class Config:
    """Options of runs. What is None is left to the block or to the defaults around it.

    Attributes:
        max_in_flight: How many independent calls may be started and not complete (1024).
        window: How many operations may wait for their turn before the program is read no further ahead (100,000).
        forward: Whether reads look through changes that have not happened yet; without, they wait for them (True).
        speculate: How many turns of a loop are begun after one that may still leave it, on the guess that it does not;
            0 begins none (0). Independent calls of these turns are started and, when the guess was wrong, are paid for
            in vain; nothing else of them happens before the guess is decided.
        journal: The path of a file that keeps the answers of runs until the `with` block that named it, or else the
            program, has ended well; a program that was interrupted finds them there when it is run again.
        cache: The path of a file that keeps answers across programs; True stands for one in the user's cache directory.
        budget: Dollars that the calls of `xcs.llm`, `xcs.embed` and adopted clients that are not asynchronous may cost
            in one run. What a call may cost at the most is reserved before it is sent, so every call has to give
            `max_tokens`, and its model's price has to be known.
        hedge: The share of model calls, such as 0.05, that may be sent a second time when they take longer than 95 % of
            calls do; the first answer counts (0).
    """

    max_in_flight: int | None = None
    window: int | None = None
    forward: bool | None = None
    speculate: int | None = None
    journal: _journal.StorePath | _journal.Block | None = None
    cache: _journal.StorePath | bool | None = None
    budget: float | None = None
    hedge: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("max_in_flight", 1), ("window", 1), ("speculate", 0)):
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**32:
                raise UsageError(f"{name} must be a whole number from {least} to 4294967295, not {value!r}")
        if self.journal is not None and not isinstance(self.journal, _journal.Block):
            object.__setattr__(self, "journal", _journal.checked_path("journal", self.journal))
        if self.cache is False:
            object.__setattr__(self, "cache", None)
        elif self.cache is not None and self.cache is not True:
            object.__setattr__(self, "cache", _journal.checked_path("cache", self.cache))
        for name, most in (("budget", 1e12), ("hedge", 1.0)):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and not (number and 0 <= value <= most):
                raise UsageError(f"{name} must be a number from 0 to {most:g}, not {value!r}")


_current = _core.config_variable


def changed(config: Config | None, options: dict[str, Any]) -> Config:
    """`config` with some options changed."""
    known = {field.name for field in fields(Config)}
    unknown = sorted(options.keys() - known)
    if unknown:
        raise UsageError(f"unknown option {unknown[0]!r}; there are {', '.join(sorted(known))}")
    return replace(config or Config(), **options)


@contextlib.contextmanager
def config(**options: Any) -> Generator[Config, None, None]:
    """Options for every run begun inside the block, unless the function was given its own.

    Example:
        >>> with xcs.config(max_in_flight=8):
        ...     analyze(documents)
    """
    block = None
    if options.get("journal") is not None:
        options["journal"] = block = _journal.Block(options["journal"])
    inside = changed(_current.get(None), options)
    token = _current.set(inside)
    well = False
    try:
        yield inside
        well = True
    finally:
        _current.reset(token)
        if block is not None:
            block.end(well=well)
