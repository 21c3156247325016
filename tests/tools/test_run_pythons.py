"""tools/run_pythons.py: what it says of interpreters that are missing or cannot be built for, and where it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import run_pythons
import run_tests


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[run_tests.Suite]:
    """The suites that would have run."""
    suites: list[run_tests.Suite] = []

    def run_all(to_run: list[run_tests.Suite]) -> run_tests.Outcome:
        suites.extend(to_run)
        return run_tests.Outcome(1, 0, 0)

    monkeypatch.setattr(run_pythons, "RESULTS", tmp_path)
    monkeypatch.setattr(run_pythons, "run_all", run_all)
    monkeypatch.setattr(run_pythons, "build", lambda python, jobs: f"built for {python}")
    return suites


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["run_pythons", *arguments])
    return run_pythons.main()


def test_an_interpreter_that_is_not_installed_is_named_and_left_out(
    ran: list[run_tests.Suite], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "no-such-python", sys.executable) == 0
    assert [suite.name for suite in ran] == [f"Python {sys.version.split()[0]}"]
    assert "no-such-python: not installed" in capsys.readouterr().out


def test_tests_run_in_the_environment_that_was_built(
    ran: list[run_tests.Suite], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, sys.executable, "--pytest", "tests/litmus", "-x")
    assert ran[0].command[0] == f"built for {sys.executable}"
    assert ran[0].command[-2:] == ["tests/litmus", "-x"]


def test_no_interpreter_at_all_is_a_failure(
    ran: list[run_tests.Suite], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, "no-such-python") == 1
    assert ran == []


def test_a_build_that_fails_is_a_failure(
    ran: list[run_tests.Suite], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        run_pythons, "build", lambda python, jobs: None if python == "python3" else f"built for {python}"
    )
    assert run(monkeypatch, "python3", sys.executable) == 1
    assert "the build failed" in capsys.readouterr().out
    assert len(ran) == 1
