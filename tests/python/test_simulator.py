"""The simulator as Python programs start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import xcs
from xcs._simulator import simulator_program


def ask(simulator: xcs.Simulator, prompt: str) -> str:
    return xcs.llm(prompt, model="any", base_url=simulator.base_url, api_key="any")


def test_it_answers_while_the_block_lasts() -> None:
    with xcs.Simulator(latency_ms=0) as simulator:
        address = simulator.base_url
        assert ask(simulator, "Pick. [one of: yes]") == "yes"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/sim/stats", timeout=5)


def test_it_ends_when_the_block_raises() -> None:
    simulator = xcs.Simulator(latency_ms=0)
    with pytest.raises(ZeroDivisionError), simulator:
        _ = 1 / 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{simulator.base_url}/sim/stats", timeout=5)


def test_it_ends_with_a_program_that_is_killed() -> None:
    program = """
import os, signal, xcs
xcs.Simulator(latency_ms=0).__enter__()
print("started", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    # The server inherits the standard error, so that its end is seen only after both have ended.
    killed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "started\n")


def test_it_speaks_http2_over_tls_to_who_trusts_its_certificate(tmp_path: Path) -> None:
    certificate = tmp_path / "sim.pem"
    program = """
import sys, xcs
@xcs.jit
def answers(n: int) -> list[str]:
    return [xcs.llm(f"[one of: n{i}]", model="m", base_url=sys.argv[1], api_key="any") for i in range(n)]
print(answers(50) == [f"n{i}" for i in range(50)])
try:
    xcs.llm("x", model="m", base_url=sys.argv[2], api_key="any")
except xcs.UsageError as error:
    print("is not trusted" in str(error))
"""
    with (
        xcs.Simulator(tls=str(certificate), latency_ms=5) as trusted,
        xcs.Simulator(tls=str(tmp_path / "other.pem"), latency_ms=5) as other,
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, trusted.base_url, other.base_url],
            env={**os.environ, "SSL_CERT_FILE": str(certificate)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("True\nTrue\n", "")
        seen = trusted.stats()
        assert (seen["requests"], seen["over_http2"]) == (50, 50)
        assert other.stats()["requests"] == 0


def test_its_counters_start_again_after_a_reset() -> None:
    with xcs.Simulator(latency_ms=0) as simulator:
        ask(simulator, "hello")
        assert simulator.stats()["requests"] == 1
        simulator.reset()
        assert simulator.stats()["requests"] == 0


def test_options_are_those_of_the_command_line() -> None:
    with xcs.Simulator(latency_ms=0, stateful=True) as simulator:
        assert ask(simulator, "hello") != ask(simulator, "hello")
    with xcs.Simulator(latency_ms=0) as simulator:
        assert ask(simulator, "hello") == ask(simulator, "hello")


def test_an_option_that_does_not_exist_is_refused_with_its_message(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        xcs.UsageError, match="the simulator did not start \\(exit status 2\\); its message is above"
    ):
        xcs.Simulator(haste=1).__enter__()
    assert "--haste" in capfd.readouterr().err


def test_a_missing_program_is_reported_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xcs._simulator.Path.exists", lambda path: False)
    monkeypatch.setattr("xcs._simulator.shutil.which", lambda name: None)
    monkeypatch.delenv("XCS_SIM", raising=False)
    with pytest.raises(
        xcs.UsageError, match=r"not installed: no .*xcs-sim; build the package again, or set XCS_SIM"
    ):
        simulator_program()


def test_a_workflow_is_recorded_and_replayed_with_the_same_observation(tmp_path: Path) -> None:
    @xcs.jit
    def workflow(url: str) -> list[str]:
        drafts = [
            xcs.llm(f"draft {i} [fault rate_limit]", model="m", base_url=url, api_key="sk-live-0123456789")
            for i in range(4)
        ]
        return [
            xcs.llm("improve " + draft, model="m", base_url=url, api_key="sk-live-0123456789")
            for draft in drafts
        ]

    file = tmp_path / "traffic.jsonl"
    with xcs.Simulator(latency_ms=1) as provider:
        with xcs.Simulator(record=file, upstream=provider.base_url) as recorder:
            recorded = workflow(recorder.base_url)
        asked = provider.stats()["requests"]
    assert asked == 12
    assert "sk-live" not in file.read_text()
    with xcs.Simulator(replay=file, speed=0) as replay:
        assert workflow(replay.base_url) == recorded
        seen = replay.stats()
    assert (seen["requests"], seen["unrecorded"], seen["by_status"]) == (12, 0, {"200": 8, "429": 4})
