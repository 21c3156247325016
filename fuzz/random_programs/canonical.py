"""Text that two object graphs share exactly if a program cannot tell them apart.

Containers and instances are numbered in the order in which they are met, and one that is met again is written as
its number: so aliases show. No code of the objects' classes runs.
"""

from __future__ import annotations

import collections
import io
import types
from collections.abc import Callable, Iterable
from typing import Any

_ATOMS = frozenset((str, int, float, bool, bytes, complex, type(None), type(...), type(NotImplemented)))
_BUILTIN = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)


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
        elif isinstance(value, type):
            self.parts.append(f"class {value.__name__}")
        elif isinstance(value, types.ModuleType):
            self.parts.append(f"module {value.__name__}")
        elif kind in _BUILTIN:
            self.parts.append(f"builtin {value.__qualname__}")
        elif kind is types.CodeType:
            self.parts.append(f"code {value.co_name}")
        elif (known := self._numbers.get(id(value))) is not None:
            self.parts.append(f"#{known}")
        else:
            self._numbers[id(value)] = len(self._numbers)
            self._alive.append(value)
            _WRITERS.get(kind, _Writer._object)(self, value)

    def _all(self, start: str, values: Iterable[Any], end: str) -> None:
        parts, write = self.parts, self.write
        parts.append(start)
        for value in values:
            if type(value) in _ATOMS:
                parts.append(repr(value))
            else:
                write(value)
            parts.append(", ")
        parts.append(end)

    def _list(self, value: list[Any]) -> None:
        self._all("list:[", value, "]")

    def _dict(self, value: dict[Any, Any]) -> None:
        self._all("dict:{", [part for item in value.items() for part in item], "}")

    def _set(self, value: Any) -> None:
        # Members are atoms or objects; in the order of iteration, which a program sees.
        self._all(f"{type(value).__name__}{{", value, "}")

    def _object(self, value: Any) -> None:
        kind = type(value)
        self.parts.append(f"{kind.__name__}:")
        if isinstance(value, dict):
            self._all("{", [part for item in dict.items(value) for part in item], "}")
        elif isinstance(value, list):
            self._all("[", list.__iter__(value), "]")
        elif isinstance(value, tuple):
            self._all("(", tuple.__iter__(value), ")")
        elif isinstance(value, collections.deque):
            self._all("[", collections.deque.__iter__(value), f"]{value.maxlen}")
        elif isinstance(value, BaseException):
            self._all("(", (value.args, value.__dict__), ")")
        elif kind is io.StringIO:
            self.write("closed" if value.closed else (value.getvalue(), value.tell()))
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
            f"function:{value.__qualname__}(",
            (value.__defaults__, value.__kwdefaults__, cells, value.__dict__),
            ")",
        )

    def _instance(self, value: Any) -> None:
        kind = type(value)
        for name in (name for c in kind.__mro__ if "__slots__" in c.__dict__ for name in _slots_of(c)):
            try:
                held = object.__getattribute__(value, name)
            except AttributeError:
                continue
            self.parts.append(f"{name}=")
            self.write(held)
        state = object.__getattribute__(value, "__dict__") if kind.__dictoffset__ else None
        if isinstance(state, dict):
            for name, held in state.items():
                self.parts.append(f"{name}=")
                self.write(held)
        self.parts.append(";")


_WRITERS: dict[type, Callable[[_Writer, Any], None]] = {
    list: _Writer._list,
    dict: _Writer._dict,
    set: _Writer._set,
    frozenset: _Writer._set,
    types.FunctionType: _Writer._function,
}


def _slots_of(kind: type) -> list[str]:
    slots = kind.__dict__["__slots__"]
    return [
        s for s in ((slots,) if isinstance(slots, str) else slots) if s not in ("__dict__", "__weakref__")
    ]


def is_plain(values: Iterable[Any]) -> bool:
    """Whether none of them can change or holds anything."""
    return all(type(value) in _ATOMS for value in values)


def canonical(value: Any) -> str:
    """The text of one graph."""
    writer = _Writer()
    writer.write(value)
    return "".join(writer.parts)
