"""Calls overlap although they pass through callables of the standard library, and nothing can tell."""

from __future__ import annotations

import pytest

from .conftest import Check
from .library import PROGRAMS, Program, draws, iterators, unplanned  # noqa: F401 - adds its programs


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.function.__name__)
def test_calls_overlap_through_the_library(check: Check, program: Program) -> None:
    stats = check(program.function, tuple, width=program.width)
    assert stats is not None
    assert stats.rounds == program.rounds
