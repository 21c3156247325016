"""The commands: what they print and the status they end with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
import xcs
from xcs._cli import main


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xcs", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"xcs {xcs.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["demo", "--latency-ms", "soon"], ["demo", "--latency-ms", "0"]]
)
def test_wrong_usage_ends_with_status_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: xcs" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert {"demo", "bench", "sim", "doctor"} <= set(capsys.readouterr().out.split())


def test_doctor_makes_a_call_and_says_that_it_worked() -> None:
    done = run("doctor")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^xcs \S+, Python \S+", done.stdout)
    assert "a native call works" in done.stdout


def test_a_simulator_that_cannot_start_is_reported_in_one_line() -> None:
    done = run("doctor", XCS_SIM="/nowhere/xcs-sim")
    assert done.returncode == 2
    assert done.stderr == "xcs: cannot start the simulator /nowhere/xcs-sim: No such file or directory\n"


def test_sim_hands_its_options_to_the_simulator() -> None:
    done = run("sim", "--speed", "1")
    assert done.returncode == 2
    assert "--speed" in done.stderr


def test_sim_serves_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "xcs", "sim", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        assert simulator.stdout.readline().startswith("listening on http://127.0.0.1:")
        simulator.send_signal(signal.SIGINT)
        assert simulator.wait(timeout=20) == 0
