"""Very many calls to a server that fails in every way, judged from the server's side.

`python tests/python/chaos.py` makes 100,000 calls for each family of providers, without limits and with limits on,
and prints what came of them; the tests make a few thousand.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from typing import Any

import xcs

FAMILIES = {
    "chat completions": {"model": "sim"},
    "responses": {"model": "sim", "provider": "responses"},
    "messages": {"model": "claude-sim"},
}

# One request in five fails, in every way that a later attempt can get past. A 429 holds up all calls of its kind,
# so that few are enough; one that asks to slow down would do so for minutes.
FAULTS = {
    "error_rate": 0.07,
    "bad_gateway_rate": 0.02,
    "rate_limit_rate": 0.0002,
    "reset_rate": 0.03,
    "truncation_rate": 0.03,
    "malformed_rate": 0.03,
    "black_hole_rate": 0.005,
    "late_rate": 0.004,
    "stall_rate": 0.005,
    "trickle_rate": 0.005,
}


def limits(requests_per_minute: int) -> dict[str, Any]:
    """Limits that hold the calls back. What is left of tokens is told in thousands, so these are not scarce."""
    return {"rpm": requests_per_minute, "tpm": 100 * requests_per_minute, "burst_seconds": 1}


LIMITED_FAULTS = {name: rate for name, rate in FAULTS.items() if name != "rate_limit_rate"}


@dataclasses.dataclass
class Outcome:
    """What a run came to, from the client's and from the server's side."""

    wrong: list[str]
    calls: int
    attempts: int
    failed: int
    seconds: float
    seen: dict[str, Any]

    def problems(self) -> list[str]:
        """What should not have happened."""
        seen = self.seen
        refused = seen["by_status"].get("429", 0)
        checks = {
            f"{len(self.wrong)} answers are wrong, such as {self.wrong[:3]}": not self.wrong,
            f"{self.failed} calls failed": self.failed == 0,
            f"{seen['requests']} requests for {self.calls} calls and {self.attempts} attempts": (
                self.calls <= seen["requests"] <= self.attempts
            ),
            f"{seen['duplicates']} duplicates of {seen['requests']} requests": (
                seen["duplicates"] == seen["requests"] - self.calls
            ),
            f"{seen['repeated_after_answer']} repeated after a good answer": seen["repeated_after_answer"]
            == 0,
            f"{seen['limit_violations_after_answer']} over a limit that had been told": (
                seen["limit_violations_after_answer"] == 0
            ),
            f"{refused} of {seen['requests']} refused for rate": (
                refused - seen["faults"]["rate_limit"] - seen["faults"]["slow_down"] <= seen["requests"] / 100
            ),
            f"{seen['in_flight']} still in flight": seen["in_flight"] == 0,
        }
        return [problem for problem, holds in checks.items() if not holds]

    def summary(self) -> str:
        seen = self.seen
        faults = sum(seen["faults"].values())
        return (
            f"{self.calls} calls, {self.attempts} attempts, {seen['requests']} requests, {faults} faults "
            f"({faults / seen['requests']:.1%}), {seen['by_status'].get('429', 0)} times 429, "
            f"{seen['limit_violations']} over a limit ({seen['limit_violations_after_answer']} of them told), "
            f"{seen['peak_in_flight']} in flight at most, {seen['connections']['accepted']} connections, "
            f"{self.seconds:.1f} s"
        )


def run(calls: int, options: dict[str, Any], simulator: dict[str, Any]) -> Outcome:
    """Makes that many calls to a simulator started with these options."""
    with xcs.Simulator(**{"latency_ms": 2, "stall_ms": 60_000, "seed": 7} | simulator) as sim:
        url = sim.base_url

        @xcs.jit
        def answers(n: int) -> list[str]:
            return [
                xcs.llm(
                    f"[one of: answer {i}]", base_url=url, api_key="any", timeout=2, max_retries=12, **options
                )
                for i in range(n)
            ]

        began = time.monotonic()
        got = answers(calls)
        seconds = time.monotonic() - began
        seen = sim.stats()
        spent = xcs.stats(answers).spent[0]
    wrong = [f"{i}: {text}" for i, text in enumerate(got) if text != f"answer {i}"]
    if len(got) != calls:
        wrong.append(f"{len(got)} answers")
    return Outcome(wrong, spent.calls, spent.attempts, spent.failed, seconds, seen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    calls = parser.parse_args().calls
    status = 0
    for what, simulator in (("", FAULTS), (", with limits", LIMITED_FAULTS | limits(30_000))):
        for family, options in FAMILIES.items():
            outcome = run(calls, options, simulator)
            print(f"{family}{what}: {outcome.summary()}", flush=True)
            for problem in outcome.problems():
                print(f"  PROBLEM: {problem}", flush=True)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
