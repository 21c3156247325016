"""The names under which the registry knows callables, as registry/README.md defines them."""

from __future__ import annotations

import csv
import importlib
import inspect
import io
import threading
import types
from typing import Any

# Types of compiled code whose name leads nowhere, or to something else.
UNEXPORTED = {
    "_csv.writer": type(csv.writer(io.StringIO())),
    "_thread.lock": type(threading.Lock()),
}


def key_of(callee: Any) -> str:
    """Names a callable, whatever it was reached through."""
    if isinstance(callee, types.MethodType):
        return key_of(callee.__func__)
    if isinstance(callee, (type, types.FunctionType)):
        return f"{callee.__module__}.{callee.__qualname__}"
    if isinstance(owner := getattr(callee, "__objclass__", None), type):
        return f"{key_of(owner)}.{callee.__name__}"
    if not isinstance(callee, types.BuiltinFunctionType):
        named = isinstance(getattr(callee, "__qualname__", None), str)
        return f"{callee.__module__}.{callee.__qualname__}" if named else key_of(type(callee).__call__)
    if callee.__self__ is None:  # a static method in C
        return f"builtins.{callee.__qualname__}"
    if isinstance(callee.__self__, types.ModuleType):
        return f"{callee.__module__}.{callee.__qualname__}"
    bound_to = callee.__self__ if isinstance(callee.__self__, type) else type(callee.__self__)
    owner = next(base for base in bound_to.__mro__ if callee.__name__ in vars(base))
    return f"{key_of(owner)}.{callee.__name__}"


def resolve(key: str) -> Any:
    """Finds what a key names: the longest importable prefix is the module, the rest are attributes.

    Raises:
        LookupError: the module exists and has no such attribute.
        ImportError: there is no such module.
    """
    parts = key.split(".")
    for end in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:end])
        if prefix in UNEXPORTED:
            return _attribute(UNEXPORTED[prefix], parts[end:])
        try:
            found = importlib.import_module(prefix)
        except ModuleNotFoundError as error:
            if end == 1 or error.name is None or not prefix.startswith(error.name):
                raise
            continue
        return _attribute(found, parts[end:])
    raise LookupError(f"{key} names no module")


def _attribute(found: Any, path: list[str]) -> Any:
    for name in path:
        try:
            found = getattr(found, name)
        except AttributeError:  # a property that the class itself does not show
            try:
                found = inspect.getattr_static(found, name)
            except AttributeError:
                raise LookupError(f"{found!r} has no {name}") from None
    return found
