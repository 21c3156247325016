"""Programs that are killed a few times; `make chaos-kill` does so hundreds of times."""

from __future__ import annotations

import random

import chaos_kill
import pytest


@pytest.mark.parametrize("kind", ["embeddings", "streams", "adopted"])
def test_a_killed_program_never_sends_a_finished_call_again(kind: str) -> None:
    seed = random.randrange(2**32)
    outcome = chaos_kill.kill(kind, 4, seed)
    assert outcome.problems == [], f"seed {seed}"
