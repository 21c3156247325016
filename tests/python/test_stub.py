"""The stub of the compiled part lists what the extension has."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from pathlib import Path

import pytest
import xcs
from xcs import _core

STUB = ast.parse((Path(xcs.__file__).parent / "_core.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}


def _names(body: list[ast.stmt]) -> set[str]:
    """The names that statements of a stub define, without those that the language gives a meaning."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return _ordinary(names)


def _ordinary(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("__")}


def test_the_stub_has_the_names_of_the_extension() -> None:
    assert _names(STUB.body) == _ordinary(dir(_core))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_in_the_stub_has_the_members_of_the_extensions(name: str) -> None:
    assert _names(CLASSES[name].body) == _ordinary(vars(getattr(_core, name)))


@pytest.mark.parametrize("node", [node for node in STUB.body if isinstance(node, ast.FunctionDef)])
def test_a_function_in_the_stub_has_the_parameters_of_the_extensions(node: ast.FunctionDef) -> None:
    documented = (inspect.getdoc(getattr(_core, node.name)) or "").splitlines()[0]
    parameters = ast.parse(f"def {documented}: ...").body[0]
    assert isinstance(parameters, ast.FunctionDef)
    assert [a.arg for a in parameters.args.args] == [a.arg for a in node.args.args]
