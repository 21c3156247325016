"""Every line of the registry is well formed and names what it says it names."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registry.contracts import REGISTRY, Line, files, lines, parse
from registry.naming import key_of, resolve
from xcs import _contracts

LINES = list(lines())
CALLABLES = [line for line in LINES if line.table == "callable"]

VALUES = {
    "effect": {"pure", "independent", "reads", "ordered"},
    "returns": {"atom", "data", "element", "argument", "object"},
    "arguments": {"none", "shallow"},
    "run": {"thread", "async"},
}
OPEN_FIELDS = {"resource", "mutates", "callbacks", "iterates", "enter", "guard", "type"}
RESOURCE = re.compile(r"[a-z]+|(file|object):\{\d\}")

# Top-level packages that several distributions share, with the one that the registry speaks of.
SHARED = {"google": "google.genai"}

of_each_file = pytest.mark.parametrize("file", files(), ids=lambda file: file.stem)


def installed(file: Path, table: str) -> Iterator[tuple[Line, Any]]:
    """The lines of a file's table with the objects they name; skips the test without its library."""
    if file.stem not in sys.stdlib_module_names:
        pytest.importorskip(SHARED.get(file.stem, file.stem))
    for line in LINES:
        if line.file == file and line.table == table:
            yield line, resolve(line.key)


def objection(line: Line) -> str | None:
    """What is wrong with a contract's fields, or None."""
    fields = line.fields
    if not {"effect", "returns"} <= fields.keys() <= VALUES.keys() | OPEN_FIELDS:
        return f"has the fields {sorted(fields)}"
    for name, allowed in VALUES.items():
        if name in fields and fields[name] not in allowed:
            return f"{name} is {fields[name]!r}"
    for name, kinds in (("mutates", int), ("callbacks", (int, str))):
        if name in fields and not (fields[name] and all(isinstance(one, kinds) for one in fields[name])):
            return f"{name} is {fields[name]!r}"
    if not isinstance(fields.get("iterates", 0), int):
        return f"iterates is {fields['iterates']!r}"
    if ("run" in fields) != (fields["effect"] == "independent"):
        return "run belongs to independent callables, and to them only"
    if ("resource" in fields) != (fields["effect"] in {"reads", "ordered"}):
        return "resource belongs to callables that read or are ordered, and to them only"
    if not RESOURCE.fullmatch(fields.get("resource", "none")):
        return f"resource is {fields['resource']!r}"
    return None


@of_each_file
def test_a_file_holds_the_sorted_contracts_of_the_package_it_is_named_after(file: Path) -> None:
    content = parse(file)
    assert content.keys() <= {"library", "closed", "callable", "attribute"}
    assert content.get("closed", True) is True
    assert content["library"] == file.stem
    for table in ("callable", "attribute"):
        keys = list(content.get(table, {}))
        assert keys == sorted(keys)
        assert {key.split(".")[0] for key in keys} <= {file.stem}


def test_contracts_have_only_the_fields_and_values_of_the_readme() -> None:
    assert [(line.key, wrong) for line in CALLABLES if (wrong := objection(line))] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"effect": "pure"},
        {"effect": "harmless", "returns": "atom"},
        {"effect": "ordered", "returns": "atom"},
        {"effect": "independent", "returns": "data"},
        {"effect": "pure", "returns": "atom", "resource": "stdout"},
        {"effect": "reads", "returns": "atom", "resource": "file:path"},
        {"effect": "pure", "returns": "atom", "mutates": []},
        {"effect": "pure", "returns": "atom", "mutates": ["out"]},
        {"effect": "pure", "returns": "atom", "colour": "red"},
    ],
)
def test_malformed_fields_are_objected_to(fields: dict[str, Any]) -> None:
    assert objection(Line(Path("x.toml"), "callable", "x.f", fields)) is not None


def test_the_guards_in_use_are_those_that_the_readme_defines() -> None:
    text = (REGISTRY / "README.md").read_text()
    defined = set(re.findall(r"^\| `(\w+)` \|", text.split("## Guards")[1].split("## Keys")[0], re.MULTILINE))
    assert {line.fields["guard"] for line in CALLABLES if "guard" in line.fields} == defined


def names(key: str) -> set[str]:
    """What the callable is named in one version of Python or another."""
    moved = {m + key.removeprefix(home) for m, home in _contracts.HOMES.items() if key.startswith(f"{home}.")}
    # From 3.13 on it is compiled code, which has a line of its own.
    compiled = {"posixpath.normpath": {"posix._path_normpath"}}
    return {key} | moved | compiled.get(key, set())


@of_each_file
def test_keys_resolve_to_callables_whose_names_they_are(file: Path) -> None:
    found = list(installed(file, "callable"))
    assert [line.key for line, callee in found if not callable(callee)] == []
    assert [
        (line.key, key_of(callee)) for line, callee in found if key_of(callee) not in names(line.key)
    ] == []


@of_each_file
def test_attributes_are_defined_by_the_class_they_are_listed_under(file: Path) -> None:
    for line, _ in installed(file, "attribute"):
        owner, _, name = line.key.rpartition(".")
        assert name in vars(resolve(owner)), line.key
        assert key_of(resolve(owner)) in names(owner)
        assert line.fields in ({"effect": "pure"}, {"effect": "pure", "returns": "atom"})


def test_a_misspelt_key_does_not_resolve() -> None:
    with pytest.raises(LookupError):
        resolve("json.dumbs")
    with pytest.raises(ImportError):
        resolve("no_such_library.f")
