"""Text that two object graphs share exactly if a program cannot tell them apart.

Containers and instances are numbered in the order in which they are met, and one that is met again is written as
its number: so aliases show. No code of the objects' classes runs.
"""

from __future__ import annotations

import collections
import io
import types
from collections.abc import Iterable
from typing import Any

_ATOMS = (str, int, float, bool, bytes, complex, type(None), type(...), type(NotImplemented))


class _Writer:
    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []
        self.parts: list[str] = []

    def write(self, value: Any) -> None:
        kind = type(value)
        if kind in _ATOMS:
            self.parts.append(repr(value))
        elif kind is tuple:
            self._all("(", value, ")")
        elif kind in (set, frozenset):
            self._numbered(value, self._set)
        elif isinstance(value, type):
            self.parts.append(f"class {value.__name__}")
        elif isinstance(value, types.ModuleType):
            self.parts.append(f"module {value.__name__}")
        elif kind in (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType):
            self.parts.append(f"builtin {value.__qualname__}")
        elif kind is types.CodeType:
            self.parts.append(f"code {value.co_name}")
        else:
            self._numbered(value, self._object)

    def _numbered(self, value: Any, write: Any) -> None:
        known = self._numbers.get(id(value))
        if known is not None:
            self.parts.append(f"#{known}")
            return
        self._numbers[id(value)] = len(self._numbers)
        self._alive.append(value)
        write(value)

    def _all(self, start: str, values: Iterable[Any], end: str) -> None:
        self.parts.append(start)
        for value in values:
            self.write(value)
            self.parts.append(", ")
        self.parts.append(end)

    def _set(self, value: Any) -> None:
        # Members are atoms or objects; in the order of iteration, which a program sees.
        self._all(f"{type(value).__name__}{{", set.__iter__(value) if isinstance(value, set) else value, "}")

    def _object(self, value: Any) -> None:
        kind = type(value)
        self.parts.append(f"{kind.__name__}:")
        if isinstance(value, dict):
            self._all("{", (part for item in list(dict.items(value)) for part in item), "}")
        elif isinstance(value, list):
            self._all("[", list.__iter__(value), "]")
        elif isinstance(value, collections.deque):
            self._all("[", collections.deque.__iter__(value), "]")
        elif isinstance(value, BaseException):
            self._all("(", (value.args, value.__dict__), ")")
        elif kind is io.StringIO:
            self.write("closed" if value.closed else (value.getvalue(), value.tell()))
        elif kind is types.FunctionType:
            self._function(value)
        elif kind is types.MethodType:
            self._all("(", (value.__func__, value.__self__), ")")
        elif kind is types.GeneratorType:
            frame = value.gi_frame
            self.write((value.__name__, None if frame is None else frame.f_lineno))
        else:
            self._instance(value)

    def _function(self, value: types.FunctionType) -> None:
        cells = []
        for cell in value.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:
                cells.append("<empty>")
        self._all(
            f"{value.__qualname__}(", (value.__defaults__, value.__kwdefaults__, cells, value.__dict__), ")"
        )

    def _instance(self, value: Any) -> None:
        kind = type(value)
        slots = [
            name for c in kind.__mro__ for name in _slots_of(c) if name not in ("__dict__", "__weakref__")
        ]
        for name in slots:
            try:
                held = object.__getattribute__(value, name)
            except AttributeError:
                continue
            self.parts.append(f"{name}=")
            self.write(held)
        state = object.__getattribute__(value, "__dict__") if kind.__dictoffset__ else None
        if isinstance(state, dict):
            for name, held in list(state.items()):
                self.parts.append(f"{name}=")
                self.write(held)
        self.parts.append(";")


def _slots_of(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def canonical(value: Any) -> str:
    """The text of one graph."""
    writer = _Writer()
    writer.write(value)
    return "".join(writer.parts)
