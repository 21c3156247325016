"""Programs on which jitted and sequential runs once differed; `make fuzz` finds them and makes them small."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_programs.compare import check, plans

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_gives_the_sequential_observation(program: Path) -> None:
    checked = check(program.read_text(), program.stem, plans(1, 16))
    assert checked.difference is None, f"{checked.plan}: {checked.difference}"
    assert checked.runs == 16
