"""The README's Python blocks run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_every_python_block_of_the_readme_runs(project_root: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (project_root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for i, block in enumerate(blocks):
        program = tmp_path / f"block_{i}.py"
        program.write_text(block, encoding="utf-8")
        ran = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr


def test_the_readme_example_takes_two_rounds(project_root: Path, tmp_path: Path) -> None:
    block = re.findall(r"```python\n(.*?)```", (project_root / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    program = tmp_path / "example.py"
    program.write_text(block, encoding="utf-8")
    ran = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines()[-1] == "2"
