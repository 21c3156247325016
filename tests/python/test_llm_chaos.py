"""Hundreds of calls to a server that fails in every way; `make chaos` makes hundreds of thousands."""

from __future__ import annotations

import subprocess
import sys

import chaos
import pytest

PLAIN = [name for name, shape in chaos.SHAPES.items() if not shape.tls]


@pytest.mark.parametrize("shape", PLAIN)
def test_every_call_is_answered_once_in_order_whatever_fails(shape: str) -> None:
    outcome = chaos.run(shape, 500)
    assert outcome.problems() == []
    assert sum(outcome.seen["faults"].values()) > outcome.seen["requests"] / 10


@pytest.mark.parametrize("shape", ["chat completions", "messages", "embeddings"])
def test_no_limit_is_exceeded_once_it_has_been_told(shape: str) -> None:
    assert chaos.run(shape, 500, 6000).problems() == []


# A process of their own, since certificates are read once in a process.
def test_the_same_holds_over_http2() -> None:
    program = [sys.executable, chaos.__file__, "--calls=300", "--rpm=6000", "--shape=streams over HTTP/2"]
    done = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
