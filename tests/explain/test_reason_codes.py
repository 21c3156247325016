"""The reason codes in the sources and on the page agree, and each reason has an example that can be shown."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent / "reasons").glob("*.py"))

# Examples of syntax that older versions of Python do not have.
SINCE = {
    "except_star": (3, 11),
    "leaves_unlowered_statement": (3, 11),
    "template_string": (3, 14),
    "type_alias": (3, 12),
    "type_parameters": (3, 12),
}


def page(project_root: Path) -> dict[str, str]:
    """The sections of docs/reasons.md by code."""
    text = (project_root / "docs/reasons.md").read_text()
    parts = re.split(r"^## ([a-z-]+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_code_of_the_lowering_is_a_reason(project_root: Path) -> None:
    source = (project_root / "src/lower/refusal.h").read_text()
    codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source))
    assert codes
    assert codes <= page(project_root).keys()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_defines_what_waits_and_for_every_remedy_what_is_repaired(
    example: Path, project_root: Path
) -> None:
    if sys.version_info < SINCE.get(example.stem, (3, 0)):
        pytest.skip("syntax of a newer Python")
    defined = set()
    for statement in ast.parse(example.read_text()).body:
        if isinstance(statement, ast.FunctionDef):
            defined.add(statement.name)
        elif isinstance(statement, ast.Assign):
            defined |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
    assert "waits" in defined
    section = page(project_root)[example.stem.replace("_", "-")]
    assert ("repaired" in defined) == ("*missed overlap.*" in section or "*limit.*" in section)
