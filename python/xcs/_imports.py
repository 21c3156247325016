"""Import statements that find what they name: nothing runs, and what they read is known."""

from __future__ import annotations

import ast
import builtins
import sys
from importlib import util
from types import BuiltinFunctionType, ModuleType
from typing import Any

_IMPORT: Any = builtins.__import__


def places(
    statement: Any, names: list[str], variables: dict[str, Any]
) -> list[tuple[dict[str, Any], str]] | None:
    """The namespaces of modules, and the names in them, that an import reads; None when it may run code.

    It runs none when every module that it names is loaded and holds every name that it asks for.

    Args:
        statement: The syntax of the statement.
        names: The variables of the function, as opposed to globals, that it binds.
        variables: The globals of its function.
    """
    if not _is_plain(variables):
        return None
    found: list[tuple[dict[str, Any], str]] = []
    for alias in statement.names:
        bound = alias.asname or alias.name.partition(".")[0]
        if bound not in names:
            return None
        asked = _asked(statement, alias, variables)
        if asked is None:
            return None
        module, *inner = asked
        space = _namespace(module)
        for name in inner:
            if space is None or name not in space:
                return None
            found.append((space, name))
            space = _namespace_of(space[name])
        if not inner and space is None:
            return None
    return found


def _asked(statement: Any, alias: ast.alias, variables: dict[str, Any]) -> list[str] | None:
    """The module that is looked up, and the attributes that are taken from there, one of the other."""
    if isinstance(statement, ast.Import):
        first, *rest = alias.name.split(".")
        parts = [".".join([first, *rest[:i]]) for i in range(len(rest) + 1)]
        if any(_namespace(part) is None for part in parts):
            return None
        return [first, *rest] if alias.asname else [first]
    name = statement.module or ""
    if statement.level:
        package = variables.get("__package__")
        if not isinstance(package, str) or not package:
            return None
        try:
            name = util.resolve_name("." * statement.level + name, package)
        except ImportError:
            return None
    parents = name.split(".")
    if any(_namespace(".".join(parents[: i + 1])) is None for i in range(len(parents))):
        return None
    return None if alias.name == "*" else [name, alias.name]


def _is_plain(variables: dict[str, Any]) -> bool:
    """Whether an import does what CPython's own does."""
    own = variables.get("__builtins__", builtins)
    same = own is builtins or own is vars(builtins)
    return same and builtins.__import__ is _IMPORT and isinstance(_IMPORT, BuiltinFunctionType)


def _namespace(name: str) -> dict[str, Any] | None:
    return _namespace_of(sys.modules.get(name))


def _namespace_of(module: Any) -> dict[str, Any] | None:
    """Of a module that is loaded, and not about to be."""
    if type(module) is not ModuleType:
        return None
    space = vars(module)
    return None if getattr(space.get("__spec__"), "_initializing", False) else space
