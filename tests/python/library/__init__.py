"""Programs that pass independent calls through callables of the standard library, each with what is to overlap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Program(NamedTuple):
    function: Callable[..., Any]
    rounds: int  # of calls that wait for each other, at most
    width: int  # calls that begin before any of them ends


PROGRAMS: list[Program] = []


def program(rounds: int = 1, width: int = 5) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append(Program(function, rounds, width))
        return function

    return add
