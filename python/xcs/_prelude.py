"""What builtins that take an iterable or a callback do, as plain functions.

A builtin that is given a generator or a callback of the user's is entered as the function here that its contract names,
so that what the generator or the callback calls can overlap. Each function does exactly what the builtin does, in the
same order: it has the builtin's parameters, and it is not entered when the arguments do not fit them.
"""

from __future__ import annotations

import operator
import sys
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from xcs._caches import follow, miss, numbered, oldest

# ruff: noqa: C416, SIM110, UP028 - loops, not the builtins that would run what is given to them inside
# ruff: noqa: T201 - what print does


# Whether the sum of floats is no more precise than that of one addition after the other.
_ADDS_ONE_BY_ONE = sys.version_info < (3, 12)

# Stands for a value that there is none of yet; only its identity counts.
_NOTHING: Any = "".join(["no", "thing"])


def constructed(_xcs_init: Any, _xcs_made: Any, _xcs_arguments: Any, _xcs_keywords: Any) -> Any:
    """The instance, initialized by an `__init__` that returns something."""
    _xcs_result = _xcs_init(_xcs_made, *_xcs_arguments, **_xcs_keywords)
    if _xcs_result is not None:
        raise TypeError(f"__init__() should return None, not '{type(_xcs_result).__name__}'")
    return _xcs_made


def cached_attribute(_xcs_function: Any, _xcs_instance: Any, _xcs_name: Any) -> Any:
    """What `functools.cached_property` does for an instance that does not have the attribute yet."""
    _xcs_value = _xcs_function(_xcs_instance)
    setattr(_xcs_instance, _xcs_name, _xcs_value)
    return _xcs_value


def got_and_called(_xcs_get: Any, _xcs_given: Any, /, *_xcs_positional: Any, **_xcs_keywords: Any) -> Any:
    """A method that a descriptor gives."""
    _xcs_method = _xcs_get(*_xcs_given)
    return _xcs_method(*_xcs_positional, **_xcs_keywords)


def remembered(
    _xcs_cached: Any,
    _xcs_held: Any,
    _xcs_given: Any,
    _xcs_names: Any,
    _xcs_values: Any,
    /,
    *_xcs_positional: Any,
    **_xcs_keywords: Any,
) -> Any:
    """A call of what `functools.lru_cache` makes; see `_caches`."""
    _xcs_number = numbered(_xcs_cached, _xcs_given, _xcs_names, _xcs_values)
    if _xcs_number in _xcs_held:
        _xcs_answer = _xcs_held[_xcs_number]
    else:
        _xcs_answer = missed(_xcs_cached, _xcs_positional, _xcs_keywords)
        _xcs_held[_xcs_number] = _xcs_answer
    follow(_xcs_cached, _xcs_number, _xcs_given, _xcs_names, _xcs_values, _xcs_answer)
    return _xcs_answer


def remembered_recent(
    _xcs_cached: Any,
    _xcs_held: Any,
    _xcs_given: Any,
    _xcs_names: Any,
    _xcs_values: Any,
    /,
    *_xcs_positional: Any,
    **_xcs_keywords: Any,
) -> Any:
    """As `remembered`, of a cache that forgets what was not used for long."""
    _xcs_number = numbered(_xcs_cached, _xcs_given, _xcs_names, _xcs_values)
    if _xcs_number in _xcs_held:
        _xcs_answer = _xcs_held[_xcs_number]
        del _xcs_cached.order[_xcs_number]
        _xcs_cached.order[_xcs_number] = None
        follow(_xcs_cached, _xcs_number, _xcs_given, _xcs_names, _xcs_values, _xcs_answer)
    else:
        _xcs_answer = missed(_xcs_cached, _xcs_positional, _xcs_keywords)
        if _xcs_number in _xcs_held:  # the function called itself
            miss(_xcs_cached)
        else:
            if len(_xcs_cached.order) >= _xcs_cached.most:
                _xcs_oldest = oldest(_xcs_cached.order)
                del _xcs_cached.order[_xcs_oldest]
                del _xcs_held[_xcs_oldest]
            _xcs_held[_xcs_number] = _xcs_answer
            _xcs_cached.order[_xcs_number] = None
            follow(_xcs_cached, _xcs_number, _xcs_given, _xcs_names, _xcs_values, _xcs_answer)
    return _xcs_answer


def missed(_xcs_cached: Any, _xcs_positional: Any, _xcs_keywords: Any) -> Any:
    """What the function of the cache answers."""
    try:
        _xcs_answer = _xcs_cached.function(*_xcs_positional, **_xcs_keywords)
    except BaseException:
        miss(_xcs_cached)
        raise
    return _xcs_answer


# Objects whose classes have code of their own for a builtin.


def text_by(_xcs_method: Any, _xcs_name: Any, _xcs_object: Any, /, *_xcs_specification: Any) -> Any:
    """`str`, `repr` or `format` of an object, by this method of its class."""
    _xcs_text = _xcs_method(_xcs_object, *_xcs_specification)
    if not isinstance(_xcs_text, str):
        if _xcs_name == "__format__":
            raise TypeError(f"__format__ must return a str, not {type(_xcs_text).__name__}")
        raise TypeError(f"{_xcs_name} returned non-string (type {type(_xcs_text).__name__})")
    return _xcs_text


def length_by(_xcs_method: Any, _xcs_object: Any, /) -> Any:
    return checked_length(_xcs_method(_xcs_object))


def truth_by(_xcs_method: Any, _xcs_object: Any, _xcs_negated: Any, /) -> Any:
    _xcs_truth = _xcs_method(_xcs_object)
    if _xcs_truth is not True and _xcs_truth is not False:
        raise TypeError(f"__bool__ should return bool, returned {type(_xcs_truth).__name__}")
    return _xcs_truth is not _xcs_negated


def sized_truth_by(_xcs_method: Any, _xcs_object: Any, _xcs_negated: Any, /) -> Any:
    return (checked_length(_xcs_method(_xcs_object)) != 0) is not _xcs_negated


def contains_by(_xcs_method: Any, _xcs_object: Any, _xcs_item: Any, _xcs_negated: Any, /) -> Any:
    _xcs_found = _xcs_method(_xcs_object, _xcs_item)
    return (not _xcs_found) is _xcs_negated


def operated(_xcs_tries: Any, _xcs_symbol: Any, _xcs_left: Any, _xcs_right: Any, /) -> Any:
    """An operator, by the methods of its operands' classes in the order in which Python asks them."""
    for _xcs_method, _xcs_swapped, _xcs_negated in _xcs_tries:
        _xcs_operands = (_xcs_right, _xcs_left) if _xcs_swapped else (_xcs_left, _xcs_right)
        _xcs_result = _xcs_method(*_xcs_operands)
        if _xcs_result is not NotImplemented:
            if _xcs_negated:
                return not _xcs_result
            return _xcs_result
    if _xcs_symbol == "==":
        return _xcs_left is _xcs_right
    if _xcs_symbol == "!=":
        return _xcs_left is not _xcs_right
    if _xcs_symbol == "+" and isinstance(_xcs_left, (str, bytes, bytearray, list, tuple, deque)):
        return add_to_sequence(_xcs_left, _xcs_right)
    _xcs_types = type(_xcs_left).__name__, type(_xcs_right).__name__
    if _xcs_symbol in ("<", "<=", ">", ">="):
        raise TypeError(
            f"'{_xcs_symbol}' not supported between instances of '{_xcs_types[0]}' and '{_xcs_types[1]}'"
        )
    raise TypeError(f"unsupported operand type(s) for {_xcs_symbol}: '{_xcs_types[0]}' and '{_xcs_types[1]}'")


def largest_by_operator(_xcs_best: Any, _xcs_item: Any, /) -> Any:
    if _xcs_best is _NOTHING or _xcs_item > _xcs_best:
        return _xcs_item
    return _xcs_best


def smallest_by_operator(_xcs_best: Any, _xcs_item: Any, /) -> Any:
    if _xcs_best is _NOTHING or _xcs_item < _xcs_best:
        return _xcs_item
    return _xcs_best


def formatted(_xcs_fragment: Any, _xcs_uses: Any, _xcs_others: Any, /, *_xcs_operands: Any) -> Any:
    """An f-string, whose objects with texts of their own are used as `_xcs_uses` says."""
    _xcs_texts: list[Any] = []
    for _xcs_index, _xcs_show, _xcs_how in _xcs_uses:
        _xcs_texts.append(_xcs_show(_xcs_operands[_xcs_index], *_xcs_how))
    return filled(_xcs_fragment, _xcs_uses, _xcs_others, _xcs_texts)


def printed(_xcs_show: Any, /, *_xcs_objects: Any, sep: Any = " ", end: Any = "\n") -> None:
    _xcs_before = None
    for _xcs_object in _xcs_objects:
        if _xcs_before is not None:
            print(end=_xcs_before)
        print(_xcs_show(_xcs_object), end="")
        _xcs_before = sep
    print(end=end)


async def awaited(_xcs_function: Any, /, *_xcs_positional: Any, **_xcs_keywords: Any) -> Any:
    """`await function(...)` where the function's own calls are not known to give awaitables."""
    _xcs_awaitable = _xcs_function(*_xcs_positional, **_xcs_keywords)
    return await _xcs_awaitable


# What takes every item of an iterable. `gather`, `gather_set` and `fold` run a generator that only they have as code of
# their own (Note [gathered generators] in python/bindings/gathering.h), and are what is written here for anything else.


def gather(_xcs_list: Any, _xcs_items: Any) -> None:
    _xcs_list.extend([_xcs_item for _xcs_item in _xcs_items])


def gather_one_by_one(_xcs_list: Any, _xcs_items: Any) -> None:
    for _xcs_item in _xcs_items:
        _xcs_list.append(_xcs_item)


def gather_set(_xcs_set: Any, _xcs_items: Any) -> None:
    for _xcs_item in _xcs_items:
        _xcs_set.add(_xcs_item)


def fold(_xcs_step: Any, _xcs_value: Any, _xcs_items: Any) -> Any:
    for _xcs_item in _xcs_items:
        _xcs_value = _xcs_step(_xcs_value, _xcs_item)
    return _xcs_value


def collected(_xcs_function: Any, _xcs_items: Any, /) -> Any:
    """`function(items)` for a function that does nothing but take every item first."""
    _xcs_list: list[Any] = []
    gather(_xcs_list, _xcs_items)
    return _xcs_function(_xcs_list)


def comprehended(_xcs_function: Any, _xcs_items: Any, /) -> Any:
    """As `collected`, of a generator that is not there yet."""
    return _xcs_function([_xcs_item for _xcs_item in _xcs_items])


def joined(_xcs_separator: Any, _xcs_items: Any, /) -> Any:
    _xcs_list: list[Any] = []
    gather(_xcs_list, _xcs_items)
    return _xcs_separator.join(_xcs_list)


def listed(_xcs_items: Any, /) -> list[Any]:
    return [_xcs_item for _xcs_item in _xcs_items]


def tupled(_xcs_items: Any, /) -> tuple[Any, ...]:
    _xcs_list: list[Any] = []
    gather(_xcs_list, _xcs_items)
    return tuple(_xcs_list)


def set_of(_xcs_items: Any, /) -> set[Any]:
    _xcs_set: set[Any] = set()
    gather_set(_xcs_set, _xcs_items)
    return _xcs_set


def frozen_of(_xcs_items: Any, /) -> frozenset[Any]:
    _xcs_list: list[Any] = []
    _xcs_set: set[Any] = set()
    for _xcs_item in _xcs_items:
        _xcs_set.add(_xcs_item)
        _xcs_list.append(_xcs_item)
    return frozenset(_xcs_list)


def list_extended(_xcs_list: Any, _xcs_items: Any) -> None:
    gather_one_by_one(_xcs_list, _xcs_items)


def set_extended(_xcs_set: Any, _xcs_items: Any) -> None:
    gather_set(_xcs_set, _xcs_items)


def dict_of(_xcs_items: Any, /, **_xcs_keywords: Any) -> dict[Any, Any]:
    _xcs_dict: dict[Any, Any] = {}
    dict_extended(_xcs_dict, _xcs_items)
    if _xcs_keywords:
        _xcs_dict.update(_xcs_keywords)
    return _xcs_dict


def dict_extended(_xcs_dict: Any, _xcs_items: Any) -> None:
    _xcs_count = 0
    for _xcs_item in _xcs_items:
        if is_pair(_xcs_item):
            _xcs_key, _xcs_value = _xcs_item
        else:
            _xcs_key, _xcs_value = taken_apart(_xcs_item, _xcs_count)
        _xcs_dict[_xcs_key] = _xcs_value
        _xcs_count = _xcs_count + 1


def deque_of(iterable: Any, maxlen: Any = None) -> deque[Any]:
    _xcs_list: list[Any] = []
    gather(_xcs_list, iterable)
    return deque(_xcs_list, maxlen)


def deque_extended(_xcs_deque: Any, _xcs_items: Any) -> None:
    for _xcs_item in _xcs_items:
        _xcs_deque.append(_xcs_item)


def counted(iterable: Any, /) -> Counter[Any]:
    _xcs_list: list[Any] = []
    for _xcs_item in iterable:
        hash(_xcs_item)
        _xcs_list.append(_xcs_item)
    return Counter(_xcs_list)


def lines_written(_xcs_file: Any, _xcs_lines: Any, /) -> None:
    for _xcs_line in _xcs_lines:
        _xcs_file.write(_xcs_line)


def rows_written(_xcs_writer: Any, _xcs_rows: Any, /) -> None:
    for _xcs_row in _xcs_rows:
        _xcs_writer.writerow(_xcs_row)


def any_of(_xcs_items: Any, /) -> bool:
    for _xcs_item in _xcs_items:
        if _xcs_item:
            return True
    return False


def all_of(_xcs_items: Any, /) -> bool:
    for _xcs_item in _xcs_items:
        if not _xcs_item:
            return False
    return True


def first_of(_xcs_items: Any, /, *_xcs_default: Any) -> Any:
    """`next`, of an iterator that nobody has asked for an item yet."""
    for _xcs_item in _xcs_items:
        return _xcs_item
    if not _xcs_default:
        raise StopIteration
    return _xcs_default[0]


def summed(_xcs_items: Any, /, start: Any = 0) -> Any:
    if isinstance(start, (str, bytes, bytearray)):
        return sum([], start)
    if _ADDS_ONE_BY_ONE:
        return fold(operator.add, start, _xcs_items)
    _xcs_list: list[Any] = []
    _xcs_total = start
    for _xcs_item in _xcs_items:
        _xcs_list.append(_xcs_item)
        _xcs_total = _xcs_total + _xcs_item
    return sum(_xcs_list, start) if isinstance(_xcs_total, (float, complex)) else _xcs_total


def max_of(_xcs_items: Any, /, *, key: Any = None, default: Any = _NOTHING) -> Any:
    if key is not None:
        return extreme_by_key(max, _xcs_items, key, default)
    return or_default(max, fold(largest, _NOTHING, _xcs_items), default)


def min_of(_xcs_items: Any, /, *, key: Any = None, default: Any = _NOTHING) -> Any:
    if key is not None:
        return extreme_by_key(min, _xcs_items, key, default)
    return or_default(min, fold(smallest, _NOTHING, _xcs_items), default)


def or_default(_xcs_function: Any, _xcs_found: Any, _xcs_default: Any) -> Any:
    if _xcs_found is _NOTHING:
        _xcs_found = _xcs_function([]) if _xcs_default is _NOTHING else _xcs_default
    return _xcs_found


def extreme_by_key(_xcs_function: Any, _xcs_items: Any, _xcs_key: Any, _xcs_default: Any) -> Any:
    _xcs_better = larger if _xcs_function is max else smaller
    _xcs_best = None
    _xcs_some = False
    for _xcs_item in _xcs_items:
        _xcs_best = _xcs_better(_xcs_best, (_xcs_key(_xcs_item), _xcs_item))
        _xcs_some = True
    if _xcs_some:
        return _xcs_best[1]  # type: ignore[index]
    return or_default(_xcs_function, _NOTHING, _xcs_default)


def sorted_of(_xcs_items: Any, /, *, key: Any = None, reverse: Any = False) -> list[Any]:
    _xcs_list: list[Any] = []
    gather(_xcs_list, _xcs_items)
    if key is None:
        return sorted(_xcs_list, reverse=reverse)
    _xcs_keys = [key(_xcs_item) for _xcs_item in _xcs_list]
    return in_order(_xcs_list, _xcs_keys, reverse)


def reduced(_xcs_function: Any, _xcs_items: Any, _xcs_value: Any = _NOTHING, /) -> Any:
    if _xcs_value is not _NOTHING:
        return fold(_xcs_function, _xcs_value, _xcs_items)
    _xcs_first = True
    for _xcs_item in _xcs_items:
        if _xcs_first:
            _xcs_value = _xcs_item
            _xcs_first = False
        else:
            _xcs_value = _xcs_function(_xcs_value, _xcs_item)
    if _xcs_first:
        raise TypeError("reduce() of empty iterable with no initial value")
    return _xcs_value


# Iterators: the real one is made, and a loop that is the only one to have it runs the generator here instead.


def mapped(_xcs_function: Any, _xcs_items: Any, /, *_xcs_more: Any) -> Iterator[Any]:
    if _xcs_more:
        for _xcs_arguments in zip(_xcs_items, *_xcs_more):  # noqa: B905
            yield _xcs_function(*_xcs_arguments)
    else:
        for _xcs_item in _xcs_items:
            yield _xcs_function(_xcs_item)


def filtered(_xcs_function: Any, _xcs_items: Any, /) -> Iterator[Any]:
    for _xcs_item in _xcs_items:
        if _xcs_item if _xcs_function is None else _xcs_function(_xcs_item):
            yield _xcs_item


def filtered_false(_xcs_function: Any, _xcs_items: Any, /) -> Iterator[Any]:
    for _xcs_item in _xcs_items:
        if not (_xcs_item if _xcs_function is None else _xcs_function(_xcs_item)):
            yield _xcs_item


def enumerated(iterable: Any, start: Any = 0) -> Iterator[tuple[Any, Any]]:
    for _xcs_item in iterable:
        yield start, _xcs_item
        start = start + 1


def chained(*_xcs_iterables: Any) -> Iterator[Any]:
    _xcs_rest = [*_xcs_iterables]
    _xcs_iterables = ()
    while _xcs_rest:
        _xcs_items = _xcs_rest.pop(0)
        for _xcs_item in _xcs_items:
            yield _xcs_item


def chained_from(_xcs_iterables: Any, /) -> Iterator[Any]:
    for _xcs_items in _xcs_iterables:
        for _xcs_item in _xcs_items:
            yield _xcs_item


def sliced(_xcs_items: Any, /, *_xcs_bounds: Any) -> Iterator[Any]:
    _xcs_slice = slice(*_xcs_bounds)
    _xcs_next = _xcs_slice.start or 0
    _xcs_stop = _xcs_slice.stop
    _xcs_step = 1 if _xcs_slice.step is None else _xcs_slice.step
    _xcs_count = 0
    if _xcs_next == 0 and _xcs_stop == 0:
        return
    for _xcs_item in _xcs_items:
        _xcs_index = _xcs_count
        _xcs_count = _xcs_count + 1
        if _xcs_index == _xcs_next:
            yield _xcs_item
            _xcs_next = _xcs_next + _xcs_step
            if _xcs_stop is not None and _xcs_next > _xcs_stop:
                _xcs_next = _xcs_stop
        if _xcs_stop is not None and _xcs_count >= _xcs_next and _xcs_count >= _xcs_stop:
            return


def starmapped(_xcs_function: Any, _xcs_items: Any, /) -> Iterator[Any]:
    for _xcs_arguments in _xcs_items:
        yield _xcs_function(*_xcs_arguments)


def accumulated(iterable: Any, func: Any = None, *, initial: Any = None) -> Iterator[Any]:
    _xcs_total = initial
    _xcs_first = initial is None
    if not _xcs_first:
        yield _xcs_total
    for _xcs_item in iterable:
        if _xcs_first:
            _xcs_total = _xcs_item
            _xcs_first = False
        elif func is None:
            _xcs_total = _xcs_total + _xcs_item
        else:
            _xcs_total = func(_xcs_total, _xcs_item)
        yield _xcs_total


def taken_while(_xcs_predicate: Any, _xcs_items: Any, /) -> Iterator[Any]:
    for _xcs_item in _xcs_items:
        if not _xcs_predicate(_xcs_item):
            return
        yield _xcs_item


def dropped_while(_xcs_predicate: Any, _xcs_items: Any, /) -> Iterator[Any]:
    _xcs_dropping = True
    for _xcs_item in _xcs_items:
        if _xcs_dropping and _xcs_predicate(_xcs_item):
            continue
        _xcs_dropping = False
        yield _xcs_item


def compressed(data: Any, selectors: Any) -> Iterator[Any]:
    for _xcs_item, _xcs_selector in zip(data, selectors):  # noqa: B905
        if _xcs_selector:
            yield _xcs_item


def paired(_xcs_items: Any, /) -> Iterator[tuple[Any, Any]]:
    _xcs_first = True
    _xcs_before = None
    for _xcs_item in _xcs_items:
        if _xcs_first:
            _xcs_first = False
        else:
            yield _xcs_before, _xcs_item
        _xcs_before = _xcs_item


def cycled(_xcs_items: Any, /) -> Iterator[Any]:
    _xcs_saved: list[Any] = []
    for _xcs_item in _xcs_items:
        _xcs_saved.append(_xcs_item)
        yield _xcs_item
    while _xcs_saved:
        for _xcs_item in _xcs_saved:
            yield _xcs_item


def progressed(_xcs_bar: Any, _xcs_items: Any) -> Iterator[Any]:
    """A tqdm bar: its items are read ahead, and it advances when what was done with an item is complete."""
    for _xcs_item in _xcs_items:
        yield _xcs_item
        _xcs_bar.update()
    _xcs_bar.close()


def shuffled(_xcs_random: Any, x: Any) -> None:
    _xcs_order = permutation(_xcs_random, len(x))
    x[:] = [x[_xcs_index] for _xcs_index in _xcs_order]


def defaulted(_xcs_dict: dict[Any, Any], _xcs_factory: Any, _xcs_key: Any) -> Any:
    """`dict[key]` of a defaultdict."""
    if _xcs_key in _xcs_dict:
        return _xcs_dict.get(_xcs_key)
    _xcs_value = _xcs_factory()
    _xcs_dict[_xcs_key] = _xcs_value
    return _xcs_value


def sort_in_place(_xcs_list: list[Any], _xcs_key: Any, _xcs_reverse: Any = False) -> None:
    """`list.sort`, which empties the list while it calls the key and compares."""
    _xcs_items = _xcs_list[:]
    _xcs_list.clear()
    try:
        _xcs_keys = [_xcs_key(_xcs_item) for _xcs_item in _xcs_items]
    except BaseException:
        _xcs_list[:] = _xcs_items
        raise
    _xcs_touched = len(_xcs_list)
    _xcs_sorted, _xcs_error = permuted(_xcs_items, _xcs_keys, _xcs_reverse)
    _xcs_list[:] = _xcs_sorted
    if _xcs_error is not None:
        raise _xcs_error
    if _xcs_touched:
        raise ValueError("list modified during sort")


# The functions below have contracts; they run whole.


def permutation(random: Any, count: int) -> tuple[int, ...]:
    """Where `random.shuffle` takes each item of a list from."""
    indices = list(range(count))
    random.shuffle(indices)
    return tuple(indices)


def in_order(items: list[Any], keys: list[Any], reverse: Any) -> list[Any]:
    """The items, stably sorted by their keys."""
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__, reverse=reverse)]


def permuted(items: list[Any], keys: list[Any], reverse: Any) -> tuple[list[Any], BaseException | None]:
    """The items as sorting them by their keys leaves them, and the exception it ends with."""
    order = list(range(len(items)))
    try:
        order.sort(key=keys.__getitem__, reverse=reverse)
    except Exception as error:  # noqa: BLE001 - whatever the keys raise when they are compared
        return [items[i] for i in order], error.with_traceback(None)
    return [items[i] for i in order], None


def checked_length(length: Any) -> int:
    """What `len` makes of what a `__len__` returns."""
    return len(_Sized(length))


class _Sized:
    def __init__(self, length: Any) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length  # type: ignore[no-any-return]


class _Shown:
    """Stands in an f-string for an object whose texts are known, in their order."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __format__(self, specification: str) -> str:
        return self.texts.pop(0)

    def __str__(self) -> str:
        return self.texts.pop(0)

    def __repr__(self) -> str:
        return self.texts.pop(0)


def filled(fragment: Any, uses: Any, others: Any, texts: Any) -> Any:
    """The f-string with these texts, and the other operands."""
    operands = list(others)
    for (index, _, _), text in zip(uses, texts, strict=True):
        if operands[index] is None:
            operands[index] = _Shown()
        operands[index].texts.append(text)
    return fragment(*operands)


def add_to_sequence(left: Any, right: Any) -> Any:
    """Raises what the sequence raises that is added to."""
    add: Any = getattr(left, "__add__")  # noqa: B009 - it is one of a builtin sequence
    return add(right)


def is_pair(item: Any) -> bool:
    return type(item) is tuple and len(item) == 2  # pyright: ignore[reportUnknownArgumentType] - of anything


def taken_apart(item: Any, index: int) -> tuple[Any, Any]:
    """The key and the value that `dict` finds in the item at that index."""
    dict([((), ())] * index + [item])
    key, value = item
    return key, value


def largest(best: Any, item: Any) -> Any:
    return item if best is _NOTHING else max(best, item)


def smallest(best: Any, item: Any) -> Any:
    return item if best is _NOTHING else min(best, item)


def larger(best: Any, pair: Any) -> Any:
    """Of two pairs of a key and an item, that which `max` of the items has by these keys."""
    return pair if best is None else max(best, pair, key=operator.itemgetter(0))


def smaller(best: Any, pair: Any) -> Any:
    return pair if best is None else min(best, pair, key=operator.itemgetter(0))
