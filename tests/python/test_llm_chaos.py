"""Hundreds of calls to a server that fails in every way; `make chaos` makes hundreds of thousands."""

from __future__ import annotations

import pytest
from chaos import FAMILIES, FAULTS, LIMITED_FAULTS, limits, run


@pytest.mark.parametrize("family", FAMILIES)
def test_every_call_is_answered_once_in_order_whatever_fails(family: str) -> None:
    outcome = run(500, FAMILIES[family], FAULTS)
    assert outcome.problems() == []
    assert sum(outcome.seen["faults"].values()) > 70, "one request in five fails"


@pytest.mark.parametrize("family", ["chat completions", "messages"])
def test_no_limit_is_exceeded_once_it_has_been_told(family: str) -> None:
    outcome = run(500, FAMILIES[family], LIMITED_FAULTS | limits(6000))
    assert outcome.problems() == []
