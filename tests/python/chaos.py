"""Very many calls to a server that fails in every way, judged from the server's side.

`python tests/python/chaos.py` makes 100,000 calls of each shape (three families of providers, embeddings, streams, and
HTTP/2 over TLS), without limits and with limits on, and prints what came of them; the tests make a few hundred.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
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


STREAM_FAULTS = FAULTS | {"stream_error_rate": 0.03}


def limits(requests_per_minute: int) -> dict[str, Any]:
    """Limits that hold the calls back. What is left of tokens is told in thousands, so these are not scarce."""
    return {"rpm": requests_per_minute, "tpm": 100 * requests_per_minute, "burst_seconds": 1}


@dataclasses.dataclass
class Made:
    """What a program came to."""

    wrong: list[str]
    bodies: int | None  # different requests; None: calls were merged into fewer
    attempts: int | None  # None: nobody counts them
    failed: int


@dataclasses.dataclass
class Outcome:
    """What a run came to, from the client's and from the server's side."""

    calls: int
    made: Made
    seconds: float
    seen: dict[str, Any]

    def problems(self) -> list[str]:
        """What should not have happened."""
        seen, made = self.seen, self.made
        refused = seen["by_status"].get("429", 0)
        faults = sum(seen["faults"].values())
        distinct = seen["requests"] - seen["duplicates"]
        checks = {
            f"{len(made.wrong)} answers are wrong, such as {made.wrong[:3]}": not made.wrong,
            f"{made.failed} calls failed": made.failed == 0,
            f"{distinct} different requests for {self.calls} calls": distinct == (made.bodies or distinct),
            f"{seen['requests']} requests for {made.attempts} attempts": (
                made.attempts is None or seen["requests"] <= made.attempts
            ),
            f"{seen['duplicates']} requests sent again after {faults} faults and {refused} refusals": (
                seen["duplicates"] <= faults + seen["limit_violations"]
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
        attempts = "" if self.made.attempts is None else f"{self.made.attempts} attempts, "
        return (
            f"{self.calls} calls, {attempts}{seen['requests']} requests ({seen['over_http2']} over HTTP/2), "
            f"{faults} faults ({faults / seen['requests']:.1%}), {seen['by_status'].get('429', 0)} times 429, "
            f"{seen['limit_violations']} over a limit ({seen['limit_violations_after_answer']} of them told), "
            f"{seen['peak_in_flight']} in flight at most, {seen['connections']['accepted']} connections, "
            f"{self.seconds:.1f} s"
        )


Program = Callable[[str, int], Made]


def chats(options: dict[str, Any]) -> Program:
    def make(url: str, n: int) -> Made:
        @xcs.jit
        def answers(n: int) -> list[str]:
            return [
                xcs.llm(
                    f"[one of: answer {i}]", base_url=url, api_key="any", timeout=2, max_retries=12, **options
                )
                for i in range(n)
            ]

        got = answers(n)
        (spent,) = xcs.stats(answers).spent
        assert spent.calls == n
        return Made(differences(got, [f"answer {i}" for i in range(n)]), n, spent.attempts, spent.failed)

    return make


def embeddings(url: str, n: int) -> Made:
    """Calls of one model are merged: of each there are four."""
    models = max(n // 4, 1)

    @xcs.jit
    def vectors(n: int, url: str) -> list[list[float]]:
        return [
            xcs.embed(
                f"text {i}",
                model=f"sim-{i % models}",
                dimensions=4,
                base_url=url,
                api_key="any",
                timeout=2,
                max_retries=12,
            )
            for i in range(n)
        ]

    got = vectors(n, url)
    spent = xcs.stats(vectors).spent
    with xcs.Simulator(latency_ms=0) as faultless:
        wanted = vectors(n, faultless.base_url)
    assert sum(s.calls for s in spent) == n
    attempts, failed = sum(s.attempts for s in spent), sum(s.failed for s in spent)
    return Made(differences(got, wanted), None, attempts, failed)


def streams(url: str, n: int) -> Made:
    """An answer that has begun is not asked for again by the client, but by the program."""
    options = list(FAMILIES.values())
    counting = threading.Lock()
    broken = 0

    @xcs.op
    def streamed(i: int) -> str:
        nonlocal broken
        while True:
            stream = xcs.llm(
                f"[list of {i % 7 + 1}] {i}",
                base_url=url,
                api_key="any",
                timeout=2,
                max_retries=12,
                stream=True,
                **options[i % 3],
            )
            try:
                return "".join(stream)
            except xcs.LLMError:
                with counting:
                    broken += 1

    @xcs.jit(max_in_flight=64)
    def texts(n: int) -> list[str]:
        return [streamed(i) for i in range(n)]

    got = texts(n)
    assert n < 100 or broken > 0
    with xcs.Simulator(latency_ms=0) as faultless:
        url = faultless.base_url
        wanted = texts(n)
    return Made(differences(got, wanted), n, None, 0)


def differences(got: list[Any], wanted: list[Any]) -> list[str]:
    """Where the results are other than they should be; in short."""
    found = [
        f"{i}: {str(a)[:60]} instead of {str(b)[:60]}"
        for i, (a, b) in enumerate(zip(got, wanted, strict=False))
        if a != b
    ]
    return found if len(got) == len(wanted) else [*found, f"{len(got)} results instead of {len(wanted)}"]


@dataclasses.dataclass(frozen=True)
class Shape:
    """A kind of program, and what its server does to it."""

    program: Program
    faults: dict[str, float]
    tls: bool = False


SHAPES = {
    **{family: Shape(chats(options), FAULTS) for family, options in FAMILIES.items()},
    "embeddings": Shape(embeddings, FAULTS),
    "streams": Shape(streams, STREAM_FAULTS),
    "chat completions over HTTP/2": Shape(chats(FAMILIES["chat completions"]), FAULTS, tls=True),
    "messages over HTTP/2": Shape(chats(FAMILIES["messages"]), FAULTS, tls=True),
    "streams over HTTP/2": Shape(streams, STREAM_FAULTS, tls=True),
}


def run(name: str, calls: int, requests_per_minute: int | None = None) -> Outcome:
    """Makes that many calls of a shape to a server without limits, or with this one.

    Shapes with TLS trust what SSL_CERT_FILE names, which is made where there is none; it is read once in a process.
    """
    shape = SHAPES[name]
    options: dict[str, Any] = {"latency_ms": 2, "stall_ms": 60_000, "seed": 7, **shape.faults}
    if requests_per_minute is not None:
        del options["rate_limit_rate"]  # beside limits that are the server's own, none is made up
        options |= limits(requests_per_minute)
    if shape.tls:
        options["tls"] = os.environ["SSL_CERT_FILE"]
    with xcs.Simulator(**options) as sim:
        began = time.monotonic()
        made = shape.program(sim.base_url, calls)
        return Outcome(calls, made, time.monotonic() - began, sim.stats())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--rpm", type=int, default=30_000)
    parser.add_argument("--shape", action="append", choices=list(SHAPES))
    arguments = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as directory:
        os.environ["SSL_CERT_FILE"] = f"{directory}/server.pem"
        for rpm in (None, arguments.rpm):
            for name in arguments.shape or SHAPES:
                outcome = run(name, arguments.calls, rpm)
                print(f"{name}{', with limits' if rpm else ''}: {outcome.summary()}", flush=True)
                for problem in outcome.problems():
                    print(f"  PROBLEM: {problem}", flush=True)
                    status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
