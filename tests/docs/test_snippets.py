"""The Python blocks of the pages run, in order, and print what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xcs

BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def program_of(page: str) -> str:
    """The page's Python blocks, each at the lines where it stands in the page."""
    lines = [""] * page.count("\n")
    for block in BLOCK.finditer(page):
        if block[1] == "python":
            start = page.count("\n", 0, block.start(2))
            code = block[2].splitlines()
            lines[start : start + len(code)] = code
    return "\n".join(lines) + "\n"


def output_of(page: str) -> str:
    """What the page says that its blocks print."""
    return "".join(block[2] for block in BLOCK.finditer(page) if block[1] == "text")


def run(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "page.py"
    program.write_text(program_of(page.read_text(encoding="utf-8")), encoding="utf-8")
    with xcs.Simulator(latency_ms=10) as simulator:
        environment = {**os.environ, "OPENAI_BASE_URL": simulator.base_url, "OPENAI_API_KEY": "any"}
        return subprocess.run(
            [sys.executable, str(program)],
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
            env=environment,
        )


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md", "docs/simulator.md"])
def test_the_blocks_of_a_page_run_and_print_what_it_says(
    name: str, project_root: Path, tmp_path: Path
) -> None:
    page = project_root / name
    done = run(page, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == output_of(page.read_text(encoding="utf-8"))


def test_an_error_in_a_block_names_the_line_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\n```\n\nand\n\n```python\nx / 0\n```\n")
    done = run(page, tmp_path)
    assert done.returncode == 1
    assert 'page.py", line 10, in <module>' in done.stderr
