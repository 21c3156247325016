"""vmap: one call of a function for each item of a batch, overlapping like the iterations of a jitted loop."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from xcs._errors import UsageError
from xcs._jit import jit
from xcs._narrowing import is_dict, is_list_or_tuple

R = TypeVar("R")

# An axis specification: an axis, None for static, or a structure of them that follows the argument's own.
Axes = Any


def _each(_xcs_function: Callable[..., Any], _xcs_calls: list[Any]) -> list[Any]:
    return [_xcs_function(*_xcs_args, **_xcs_keywords) for _xcs_args, _xcs_keywords in _xcs_calls]


@overload
def vmap(function: Callable[..., R], *, in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]: ...
@overload
def vmap(
    function: None = None, *, in_axes: Axes = 0, out_axes: Axes = 0
) -> Callable[[Callable[..., R]], Callable[..., Any]]: ...
def vmap(function: Callable[..., R] | None = None, *, in_axes: Axes = 0, out_axes: Axes = 0) -> Any:
    """Maps a function over a batch; the calls overlap, and the results are as a loop would give them.

    Args:
        function: Called once per item of the batch, in order as far as anyone can tell. A plain function of the
            user's is walked like the body of a jitted loop; what it prints or stores happens item by item.
        in_axes: Which axis of each positional argument is the batch. ``0`` goes over the elements of a list or
            tuple; on a dict it goes over each value, keeping the keys; ``1`` takes the second level of nested
            lists, and so on; ``None`` marks a static argument, which every call receives as it is. A tuple or list
            gives one specification per positional argument, and a specification may itself be a tuple, list or
            dict that follows the argument's structure. A dict at the top names parameters: positional ones by
            their name in the function's signature, and keywords. Keyword arguments that it does not name go over
            axis 0 when they are lists, tuples or dicts of such, and are static otherwise.
        out_axes: How results are put together. ``0``: the list of what the calls return. ``None``: what they
            all returned, which must be the same. A tuple or dict follows the structure of the result, and
            gives a tuple or dict of lists instead of a list of tuples or dicts.

    Returns:
        A function of the batch. Called without a batch axis, or with axes of different lengths, it raises
        UsageError before anything is called. An empty batch gives empty lists.

    Example:
        >>> import xcs
        >>> def label(text, kind):
        ...     return f"{kind}:{text}"
        >>> xcs.vmap(label, in_axes=(0, None))(["a", "b"], "tag")
        ['tag:a', 'tag:b']
    """
    if function is None:
        return functools.partial(vmap, in_axes=in_axes, out_axes=out_axes)
    if inspect.iscoroutinefunction(function):
        name = getattr(function, "__qualname__", repr(function))
        raise UsageError(
            f"{name} is async; await it in a loop of a jitted coroutine function, whose calls overlap"
        )
    called = function
    run = jit(_each)

    @functools.wraps(called)
    def batched(*args: Any, **keywords: Any) -> Any:
        sizes: list[tuple[str, int]] = []
        specs = _positional_axes(called, in_axes, len(args))
        places = [f"argument {i + 1}" for i in range(len(args))]
        for value, axes, place in zip(args, specs, places, strict=True):
            _measure(value, axes, place, sizes)
        keyword_specs = {k: _keyword_axes(in_axes, k, v) for k, v in keywords.items()}
        for name, value in keywords.items():
            _measure(value, keyword_specs[name], f"argument {name!r}", sizes)
        size = _one_size(sizes)
        calls = [
            (
                tuple(_item(v, a, i) for v, a in zip(args, specs, strict=True)),
                {k: _item(v, keyword_specs[k], i) for k, v in keywords.items()},
            )
            for i in range(size)
        ]
        return _gather(run(called, calls), out_axes, "the result")

    vars(batched)["__xcs_jitted__"] = run
    return batched


def _positional_axes(function: Callable[..., Any], in_axes: Axes, count: int) -> list[Axes]:
    if is_dict(in_axes):
        code = getattr(function, "__code__", None)
        names = code.co_varnames[: code.co_argcount] if code is not None else ()
        return [in_axes.get(names[i], 0) if i < len(names) else 0 for i in range(count)]
    if is_list_or_tuple(in_axes):
        if len(in_axes) != count:
            raise UsageError(
                f"in_axes has {len(in_axes)} entries for {count} positional arguments; give one for each, "
                "None for a static one"
            )
        return list(in_axes)
    return [in_axes] * count


def _keyword_axes(in_axes: Axes, name: str, value: Any) -> Axes:
    if is_dict(in_axes) and name in in_axes:
        return in_axes[name]
    return 0 if isinstance(value, (list, tuple, dict)) else None


def _has_axis(value: Any) -> bool:
    return not isinstance(value, (str, bytes)) and hasattr(value, "__len__") and hasattr(value, "__getitem__")


def _parts(value: Any, axes: Axes, place: str) -> Iterable[tuple[Any, Axes, str]]:
    """The parts that a structured specification, or an axis over a dict, speaks of."""
    if is_dict(axes):
        if not is_dict(value) or not axes.keys() <= value.keys():
            raise UsageError(f"in_axes names the keys {sorted(axes)} of {place}, which has no such keys")
        return [(v, axes.get(k), f"{place}[{k!r}]") for k, v in value.items()]
    if is_list_or_tuple(axes):
        if not _has_axis(value) or len(value) != len(axes):
            raise UsageError(f"in_axes gives {len(axes)} axes for {place}, which does not have as many parts")
        return [(v, a, f"{place}[{i}]") for i, (v, a) in enumerate(zip(value, axes, strict=True))]
    return [(v, axes, f"{place}[{k!r}]") for k, v in value.items()]


def _structured(value: Any, axes: Axes) -> bool:
    return isinstance(axes, (tuple, list, dict)) or (axes is not None and isinstance(value, dict))


def _measure(value: Any, axes: Axes, place: str, sizes: list[tuple[str, int]]) -> None:
    if axes is None:
        return
    if _structured(value, axes):
        for part, part_axes, part_place in _parts(value, axes, place):
            _measure(part, part_axes, part_place, sizes)
        return
    if not isinstance(axes, int) or isinstance(axes, bool) or axes < 0:
        raise UsageError(f"an axis is a whole number from 0 or None; in_axes has {axes!r} for {place}")
    level = value
    for depth in range(axes):
        if not _has_axis(level) or len(level) == 0:
            raise UsageError(f"{place} has no axis {axes}: it ends at depth {depth}")
        level = level[0]
    if not _has_axis(level):
        raise UsageError(
            f"{place} is a {type(value).__name__} and has no axis {axes}; mark it static with None in in_axes"
        )
    sizes.append((place, len(level)))


def _one_size(sizes: list[tuple[str, int]]) -> int:
    if not sizes:
        raise UsageError("no argument has a batch axis: every one is static; call the function itself")
    first_place, first = sizes[0]
    for place, size in sizes[1:]:
        if size != first:
            raise UsageError(f"{first_place} has length {first} along its batch axis, but {place} has {size}")
    return first


def _item(value: Any, axes: Axes, index: int) -> Any:
    if axes is None:
        return value
    if _structured(value, axes):
        parts = [_item(part, part_axes, index) for part, part_axes, _ in _parts(value, axes, "")]
        if is_dict(value):
            return dict(zip(value, parts, strict=True))
        return tuple(parts) if isinstance(value, tuple) else parts
    return value[index] if axes == 0 else [_item(part, axes - 1, index) for part in value]


def _gather(results: list[Any], axes: Axes, place: str) -> Any:
    if axes is None:
        if not results:
            raise UsageError(f"out_axes is None for {place}, but the batch is empty")
        for i, result in enumerate(results):
            if result != results[0]:
                raise UsageError(
                    f"out_axes is None for {place}, but call 0 gave {results[0]!r} and call {i} {result!r}"
                )
        return results[0]
    if is_dict(axes):
        return {k: _gather([r[k] for r in results], a, f"{place}[{k!r}]") for k, a in axes.items()}
    if is_list_or_tuple(axes):
        for i, result in enumerate(results):
            if not is_list_or_tuple(result) or len(result) != len(axes):
                raise UsageError(
                    f"out_axes gives {len(axes)} parts for {place}, but call {i} gave {result!r}"
                )
        parts = [_gather([r[i] for r in results], a, f"{place}[{i}]") for i, a in enumerate(axes)]
        return tuple(parts) if isinstance(axes, tuple) else parts
    if axes == 0:
        return results
    if not isinstance(axes, int) or isinstance(axes, bool) or axes < 0:
        raise UsageError(f"an axis is a whole number from 0 or None; out_axes has {axes!r} for {place}")
    for i, result in enumerate(results):
        if not is_list_or_tuple(result) or len(result) != len(results[0]):
            raise UsageError(f"out_axes is {axes} for {place}, but call {i} gave {result!r}")
    width = len(results[0]) if results else 0
    return [_gather([r[i] for r in results], axes - 1, f"{place}[{i}]") for i in range(width)]
