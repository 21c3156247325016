"""docs/simulator.md lists what the program has."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "simulator.md").read_text()


def test_every_flag_of_the_help_is_explained_and_no_other(program: Path, page: str):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    flags = set(re.findall(r"--[a-z-]+", text)) - {"--help", "--host", "--port"}
    assert set(re.findall(r"--[a-z-]+[a-z]", page.replace("---", ""))) - {"--host", "--port"} == flags


def test_the_counters_shown_are_those_the_server_has(serve: Callable[..., str], page: str):
    shown = json.loads(page.split("```json")[1].split("```")[0])
    with urllib.request.urlopen(serve() + "/sim/stats", timeout=30) as reply:
        counters = json.load(reply)
    assert list(shown) == list(counters)
    for name in set(shown) - {"by_status"}:
        if isinstance(shown[name], dict):
            assert list(shown[name]) == list(counters[name])


def test_every_fault_counted_is_one_a_prompt_can_ask_for(serve: Callable[..., str], page: str):
    with urllib.request.urlopen(serve() + "/sim/stats", timeout=30) as reply:
        faults = set(json.load(reply)["faults"])
    assert set(re.findall(r"^\| `([a-z_]+)` \|", page.split("## What goes wrong")[1], re.M)) >= faults
