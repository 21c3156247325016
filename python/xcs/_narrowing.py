"""Type tests of values of any kind, after which type checkers take what is inside for anything as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard


def is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_list_or_tuple(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple)


def is_frozenset(value: object) -> TypeGuard[frozenset[Any]]:
    return isinstance(value, frozenset)


def is_set(value: object) -> TypeGuard[set[Any]]:
    return isinstance(value, set)


def is_wrapped(value: object) -> TypeGuard[staticmethod[..., Any] | classmethod[Any, ..., Any]]:
    """Whether it is a function as the body of a class holds it."""
    return isinstance(value, (staticmethod, classmethod))
