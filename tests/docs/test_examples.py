"""The example programs run as they stand, and overlap without a difference in what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import xcs

EXAMPLES = ["summarise.py"]
OF_A_REAL_MODEL = {"local_model.py"}  # tests/python/test_local_model.py


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_the_same_when_its_calls_overlap(name: str, project_root: Path) -> None:
    program = project_root / "examples" / "python" / name
    printed = []
    most_in_flight = []
    with xcs.Simulator(latency_ms=20) as simulator:
        environment = {**os.environ, "OPENAI_BASE_URL": simulator.base_url, "OPENAI_API_KEY": "any"}
        for arguments in ([], ["--sequential"]):
            simulator.reset()
            command = [sys.executable, str(program), *arguments]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, check=False, env=environment
            )
            assert done.returncode == 0, done.stderr
            printed.append(done.stdout)
            most_in_flight.append(simulator.stats()["peak_in_flight"])
    assert printed[0] == printed[1]
    assert most_in_flight[0] > most_in_flight[1] == 1


def test_every_example_is_tested(project_root: Path) -> None:
    assert {path.name for path in (project_root / "examples" / "python").glob("*.py")} == {
        *EXAMPLES,
        *OF_A_REAL_MODEL,
    }
