"""What builtins that take an iterable or a callback do, as plain functions.

A builtin that is given a generator or a callback of the user's is entered as the function here, so that what the
generator or the callback calls can overlap. Names that begin with `_xcs_` cannot be the user's: what only they hold
counts as a temporary. Each function does exactly what the builtin does, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# ruff: noqa: C416, SIM110 - loops, not the builtins that would run what is given to them inside


def constructed(_xcs_init: Any, _xcs_made: Any, _xcs_arguments: Any, _xcs_keywords: Any) -> Any:
    """The instance, initialized by an `__init__` that returns something."""
    _xcs_result = _xcs_init(_xcs_made, *_xcs_arguments, **_xcs_keywords)
    if _xcs_result is not None:
        raise TypeError(f"__init__() should return None, not '{type(_xcs_result).__name__}'")
    return _xcs_made


def any_of(_xcs_items: Any) -> bool:
    for _xcs_item in _xcs_items:
        if _xcs_item:
            return True
    return False


def all_of(_xcs_items: Any) -> bool:
    for _xcs_item in _xcs_items:
        if not _xcs_item:
            return False
    return True


def collected(_xcs_function: Any, _xcs_items: Any, *_xcs_rest: Any, **_xcs_keywords: Any) -> Any:
    """`function(items, ...)` for a function that does nothing but take every item first."""
    return _xcs_function([_xcs_item for _xcs_item in _xcs_items], *_xcs_rest, **_xcs_keywords)


async def awaited(_xcs_function: Any, /, *_xcs_positional: Any, **_xcs_keywords: Any) -> Any:
    """`await function(...)` where the function's own calls are not known to give awaitables."""
    _xcs_awaitable = _xcs_function(*_xcs_positional, **_xcs_keywords)
    return await _xcs_awaitable


def reduced(_xcs_function: Any, _xcs_items: Any, _xcs_value: Any) -> Any:
    for _xcs_item in _xcs_items:
        _xcs_value = _xcs_function(_xcs_value, _xcs_item)
    return _xcs_value


def reduced_from_first(_xcs_function: Any, _xcs_items: Any) -> Any:
    _xcs_first = True
    _xcs_value = None
    for _xcs_item in _xcs_items:
        if _xcs_first:
            _xcs_value = _xcs_item
            _xcs_first = False
        else:
            _xcs_value = _xcs_function(_xcs_value, _xcs_item)
    if _xcs_first:
        raise TypeError("reduce() of empty iterable with no initial value")
    return _xcs_value


def sorted_by_key(_xcs_items: Any, _xcs_key: Any, _xcs_reverse: Any = False) -> list[Any]:
    _xcs_list = [_xcs_item for _xcs_item in _xcs_items]
    _xcs_keys = [_xcs_key(_xcs_item) for _xcs_item in _xcs_list]
    return in_order(_xcs_list, _xcs_keys, _xcs_reverse)


def extreme_by_key(_xcs_function: Any, _xcs_items: Any, _xcs_key: Any) -> Any:
    _xcs_list = [_xcs_item for _xcs_item in _xcs_items]
    if not _xcs_list:
        return _xcs_function(_xcs_list)
    _xcs_keys = [_xcs_key(_xcs_item) for _xcs_item in _xcs_list]
    return _xcs_list[index_of_extreme(_xcs_function, _xcs_keys)]


def mapped(_xcs_function: Any, _xcs_items: Any) -> Iterator[Any]:
    for _xcs_item in _xcs_items:
        yield _xcs_function(_xcs_item)


def filtered(_xcs_function: Any, _xcs_items: Any) -> Iterator[Any]:
    for _xcs_item in _xcs_items:
        if _xcs_function(_xcs_item):
            yield _xcs_item


def filtered_true(_xcs_items: Any) -> Iterator[Any]:
    for _xcs_item in _xcs_items:
        if _xcs_item:
            yield _xcs_item


def enumerated(_xcs_items: Any, _xcs_count: Any) -> Iterator[tuple[Any, Any]]:
    for _xcs_item in _xcs_items:
        yield _xcs_count, _xcs_item
        _xcs_count = _xcs_count + 1


def progressed(_xcs_bar: Any, _xcs_items: Any) -> Iterator[Any]:
    """A tqdm bar: its items are read ahead, and it advances when what was done with an item is complete."""
    for _xcs_item in _xcs_items:
        yield _xcs_item
        _xcs_bar.update()
    _xcs_bar.close()


# The two functions below are declared pure; they run whole.


def in_order(items: list[Any], keys: list[Any], reverse: Any) -> list[Any]:
    """The items, stably sorted by their keys."""
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__, reverse=reverse)]


def index_of_extreme(function: Any, keys: list[Any]) -> int:
    """Where `function` (min or max) finds its answer among the keys."""
    index: int = function(range(len(keys)), key=keys.__getitem__)
    return index
