"""Builtin classes that belong to a module that is not imported: nothing but the lookup itself holds its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from _elementtree import Element  # of xml.etree.ElementTree

import xcs


@xcs.op
def ask(question):
    return len(question)


@xcs.jit
def total(questions):
    found = []
    for question in questions:
        found.append(ask(question))
        found.append(Element(question).tag)
    return found


print(total(["a", "bb"]))
"""


def test_a_class_of_a_module_that_is_not_imported(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    # Freed memory is overwritten, so that using a name after its end is seen.
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run(
        [sys.executable, str(program)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[1, 'a', 2, 'bb']\n"), done.stderr
