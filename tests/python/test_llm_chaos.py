"""Thousands of calls to a server that fails in every way, judged from the server's side."""

from __future__ import annotations

import pytest
import xcs

CALLS = 2000


@pytest.mark.parametrize("model", ["sim", "claude-sim"])
def test_every_call_is_answered_once_in_order_whatever_fails(model: str) -> None:
    faults = {
        "error_rate": 0.1,
        "reset_rate": 0.04,
        "truncation_rate": 0.03,
        "stall_rate": 0.015,
        "black_hole_rate": 0.015,
    }
    with xcs.Simulator(latency_ms=2, stall_ms=60_000, seed=7, **faults) as sim:
        url = sim.base_url

        @xcs.jit
        def answers(n: int) -> list[str]:
            return [
                xcs.llm(f"question {i}", model=model, base_url=url, api_key="any", timeout=2, max_retries=12)
                for i in range(n)
            ]

        got = answers(CALLS)
        seen = sim.stats()
        run = xcs.stats(answers)
    assert run is not None
    with xcs.Simulator(latency_ms=0) as calm:
        url = calm.base_url
        assert got == answers(CALLS), "as a server without faults answers"
    spent = run.spent[0]
    assert (spent.calls, spent.failed) == (CALLS, 0)
    assert spent.attempts >= seen["requests"] > CALLS, "no request that is not an attempt of a call"
    assert seen["duplicates"] == seen["requests"] - CALLS, "none twice but for a reason"
    assert seen["in_flight"] == 0
