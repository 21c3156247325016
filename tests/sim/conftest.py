"""Servers for the tests: each is a program of its own, as a user runs it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_program() -> Path:
    """The simulator's program: from XCS_SIM, or the one built last."""
    if named := os.environ.get("XCS_SIM"):
        return Path(named)
    built = sorted(ROOT.glob("build/*/src/sim/xcs-sim"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise FileNotFoundError("no simulator: build the target xcs-sim, or name the program in XCS_SIM")
    return built[-1]


@pytest.fixture(scope="session")
def program() -> Path:
    return find_program()


@pytest.fixture
def serve(program: Path) -> Iterator[Callable[..., str]]:
    """Starts servers with the given flags; returns the URL of each. They end with the test, with status 0."""
    running: list[subprocess.Popen[str]] = []

    def start(*flags: str) -> str:
        server = subprocess.Popen([program, *flags], stdout=subprocess.PIPE, text=True)
        running.append(server)
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("listening on http"), line
        return line.removeprefix("listening on ").strip()

    yield start
    for server in running:
        server.terminate()
    assert [server.wait(timeout=10) for server in running] == [0] * len(running)
    for server in running:
        assert server.stdout is not None
        server.stdout.close()
