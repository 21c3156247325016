"""What a function can reach: described, so that two states can be compared, and put back as it was."""

from __future__ import annotations

import collections
import io
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeGuard

from xcs import _core
from xcs._errors import UsageError
from xcs._narrowing import is_dict, is_frozenset, is_list, is_set, is_tuple

_ATOMS = (
    *(type(None), bool, int, float, complex, str, bytes, range, type, type(...), types.ModuleType),
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.CodeType),
)
_DICT: type[dict[Any, Any]] = dict
# How deeply helpers are looked at for the globals and variables that they name.
_DEEPEST = 5


def described(value: Any, seen: dict[int, int] | None = None) -> Any:
    """Plain data that is equal for equal structures: aliases inside are told apart from copies."""
    seen = {} if seen is None else seen
    if isinstance(value, _ATOMS):
        return (type(value).__name__, repr(value) if isinstance(value, (float, complex)) else _name(value))
    if id(value) in seen:
        return ("again", seen[id(value)])
    seen[id(value)] = len(seen)
    kind = type(value).__qualname__
    if is_dict(value):
        items = tuple((described(k, seen), described(v, seen)) for k, v in value.items())
        return (kind, items, _attributes(value, seen))
    if _is_set(value):
        return (
            kind,
            tuple(sorted((described(v, dict(seen)) for v in value), key=repr)),
            _attributes(value, seen),
        )
    if _is_sequence(value):
        return (kind, tuple(described(v, seen) for v in value), _attributes(value, seen))
    if isinstance(value, bytearray):
        return (kind, bytes(value), ())
    if isinstance(value, BaseException):
        chain = (value.__cause__, value.__context__)
        return (kind, described(value.args, seen), tuple(described(e, seen) for e in chain))
    return (kind, _attributes(value, seen), ())


def _is_set(value: object) -> TypeGuard[set[Any] | frozenset[Any]]:
    return isinstance(value, (set, frozenset))


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple, collections.deque))


def _name(value: Any) -> Any:
    return value if isinstance(value, (type(None), bool, int, str, bytes, range)) else repr(value)


def _attributes(value: Any, seen: dict[int, int]) -> tuple[Any, ...]:
    return tuple((name, described(held, seen)) for name, held in sorted(_fields(value).items()))


def _fields(value: Any) -> dict[str, Any]:
    fields: dict[str, Any] = dict(getattr(value, "__dict__", ()))
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                fields[name] = getattr(value, name)
    return fields


class State:
    """The arguments of a call, and the globals and variables around the function and its helpers."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self._arguments = (args, keywords)
        self._cells: dict[int, tuple[str, types.CellType]] = {}
        self._globals: dict[tuple[int, str], dict[str, Any]] = {}
        self._find(function, 0, set())
        self._kept: dict[int, Any] = {}  # keeps alive what is named by its address
        self._restore: list[Callable[[], None]] = []
        for place, value in self._roots():
            self._save(value, place)
        for (_, name), namespace in self._globals.items():
            self._restore.append(_binding(namespace, name))
        for _, cell in self._cells.values():
            self._restore.append(_content(cell))

    def describe(self) -> dict[str, Any]:
        """Each place by name. Objects that several places share are shared in the description, too."""
        seen: dict[int, int] = {}
        return {place: described(value, seen) for place, value in self._roots()}

    def restore(self) -> None:
        """Puts back what every object held when this was made, in place."""
        for put_back in self._restore:
            put_back()

    def _roots(self) -> Iterator[tuple[str, Any]]:
        args, keywords = self._arguments
        yield from ((f"argument {i + 1}", value) for i, value in enumerate(args))
        yield from ((f"argument {name}", value) for name, value in keywords.items())
        for (_, name), namespace in self._globals.items():
            if name in namespace and not _is_code(namespace[name]):
                yield f"global {name}", namespace[name]
        for name, cell in self._cells.values():
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if not _is_code(value):
                yield f"variable {name}", value

    def _find(self, function: Any, depth: int, known: set[int]) -> None:
        function = getattr(function, "__wrapped__", function)
        function = function.__func__ if isinstance(function, types.MethodType) else function
        if not isinstance(function, types.FunctionType) or depth > _DEEPEST or id(function) in known:
            return
        contract = _core.contract_of(function) if depth else None
        if contract is not None and contract.get("effect") == "independent":
            return  # what only it touches is outside the program
        known.add(id(function))
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._cells.setdefault(id(cell), (name, cell))
            try:
                self._find(cell.cell_contents, depth + 1, known)
            except ValueError:
                continue
        for name in _names(function.__code__):
            namespace = function.__globals__
            self._globals.setdefault((id(namespace), name), namespace)
            self._find(namespace.get(name), depth + 1, known)

    def _save(self, value: Any, place: str) -> None:
        pending = [value]
        while pending:
            held: Any = pending.pop()
            if isinstance(held, _ATOMS) or id(held) in self._kept:
                continue
            if _is_read_once(held) and place.startswith("argument"):
                raise UsageError(
                    f"{place} holds a {type(held).__name__}, which cannot be put back for a second run; "
                    "give check() a list or other data"
                )
            self._kept[id(held)] = held
            inside, put_back = _contents(held)
            self._restore += put_back
            pending += inside


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_read_once(value: object) -> bool:
    return isinstance(value, (Iterator, io.IOBase))


def _is_code(value: Any) -> bool:
    return callable(value) or isinstance(value, types.ModuleType)


def _contents(held: Any) -> tuple[list[Any], list[Callable[[], None]]]:
    """What an object holds, and what puts it back."""
    inside: list[Any] = []
    put_back: list[Callable[[], None]] = []
    if is_dict(held):
        items = list(held.items())
        inside += [part for item in items for part in item]
        put_back.append(lambda: _put_items(held, items))
    elif is_list(held):
        elements = list(held)
        inside += elements
        put_back.append(lambda: held.__setitem__(slice(None), elements))
    elif isinstance(held, bytearray):
        octets = bytes(held)
        put_back.append(lambda: held.__setitem__(slice(None), octets))
    elif _is_set_or_deque(held):
        members = list(held)
        inside += members
        put_back.append(lambda: _put_members(held, members))
    elif is_tuple(held) or is_frozenset(held):
        inside += list(held)
    fields = _fields(held)
    inside += list(fields.values())
    if fields or hasattr(held, "__dict__"):
        put_back.append(lambda: _put_fields(held, fields))
    return inside, put_back


def _is_set_or_deque(value: object) -> TypeGuard[set[Any] | collections.deque[Any]]:
    return isinstance(value, (set, collections.deque))


def _put_items(held: dict[Any, Any], items: list[tuple[Any, Any]]) -> None:
    _DICT.clear(held)
    for key, value in items:
        _DICT.__setitem__(held, key, value)


def _put_members(held: Any, members: list[Any]) -> None:
    held.clear()
    held.update(members) if is_set(held) else held.extend(members)


def _put_fields(held: Any, fields: dict[str, Any]) -> None:
    for name in _fields(held).keys() - fields.keys():
        object.__delattr__(held, name)
    now = _fields(held)
    for name, value in fields.items():
        if name not in now or now[name] is not value:
            object.__setattr__(held, name, value)


def _binding(namespace: dict[str, Any], name: str) -> Callable[[], None]:
    if name not in namespace:
        return lambda: namespace.pop(name, None) and None
    value = namespace[name]
    return lambda: namespace.__setitem__(name, value)


def _content(cell: types.CellType) -> Callable[[], None]:
    try:
        value = cell.cell_contents
    except ValueError:
        return lambda: None
    return lambda: setattr(cell, "cell_contents", value)
