"""What a `functools.lru_cache` holds, as a run of a jitted function sees it.

The real cache is compiled code that only calls itself may change. A run keeps a dict of what it holds, which is read
and stored to like any other, and makes the real one follow in program order: it is called with its function answering
what the run has found.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any, cast

from xcs import _core

_Wrapper = type(functools.lru_cache(print))
# Follows the parts of a cache that are looked for: cache, function, mark, type of links, type of the information.
_PARTS = 5


class Cached:
    """One cache.

    Attributes:
        function: What it calls when it does not have the answer.
        held: Its answers by the numbers of their keys.
        order: These numbers, the most recently used last, of a cache that forgets.
        most: How many it holds; None for any number.
    """

    def __init__(self, wrapper: Any, function: Callable[..., Any], typed: bool) -> None:
        self.wrapper = wrapper
        self.function = function
        self.held: dict[int, Any] = {}
        self.order: dict[int, None] = {}
        self.most: int | None = wrapper.cache_info().maxsize
        self._typed = typed
        self._numbers: dict[Any, int] = {}
        self._seen: tuple[Any, ...] | None = None

    @staticmethod
    def of(wrapper: Any) -> Cached | None:
        """The cache, unless it is not known how it is made."""
        parts = _parts(wrapper)
        parameters = getattr(wrapper, "cache_parameters", None)
        if parts is None or parameters is None or wrapper.cache_info().maxsize == 0:
            return None
        typed = parameters()["typed"]
        return Cached(wrapper, parts[1], typed)

    def sync(self) -> bool:
        """Takes over what other code has done to the cache. Returns whether its content can be read."""
        parts = _parts(self.wrapper)
        if parts is None:
            return False
        state = self._state(parts[0])
        if state == self._seen:
            return True
        entries = _entries(self.wrapper, parts[0])
        if entries is None:
            return False
        self.held.clear()
        self.held.update((self.number(key), value) for key, value in entries)
        self.order.clear()
        self.order.update(dict.fromkeys(self.held))
        self._seen = state
        return True

    def key(self, positional: tuple[Any, ...], names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
        """The key that the cache makes of the arguments of a call."""
        given = [*positional, *values]
        if not names and not self._typed and len(given) == 1 and type(given[0]) in (str, int):
            return given[0]
        key = list(positional)
        if names:
            key.append(_MARK)
            for pair in zip(names, values, strict=True):
                key.extend(pair)
        if self._typed:
            key.extend(map(type, given))
        return tuple(key)

    def number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _state(self, cache: dict[Any, Any]) -> tuple[Any, ...]:
        info = _Wrapper.cache_info(self.wrapper)
        last = next(reversed(cache.items()), (None, None)) if cache else (None, None)
        return (info.hits, info.misses, info.currsize, _core.dict_version(cache), id(last[0]), id(last[1]))

    def follow(self, number: int, *arguments: Any, answer: Any) -> None:
        """Makes the cache do what a call with these arguments did."""
        positional, names, values = arguments
        keywords = dict(zip(names, values, strict=True))
        _core.call_answered(self.wrapper, self.function, positional, keywords, (answer,))
        self._note(self.held.get(number, _MARK) is answer)

    def miss(self) -> None:
        """Makes the cache count a call that it had no answer to and got none."""
        _core.call_answered(self.wrapper, self.function, (object(),), {}, ())
        self._note(True)

    def _note(self, holds: bool) -> None:
        parts = _parts(self.wrapper)
        self._seen = self._state(parts[0]) if holds and parts is not None else None


def _parts(wrapper: Any) -> tuple[dict[Any, Any], Callable[..., Any], object] | None:
    """The dict of the cache, its function, and what stands between positional and keyword arguments in its keys."""
    found = _followed(wrapper)
    if found is None:
        return None
    return cast("tuple[dict[Any, Any], Callable[..., Any], object]", tuple(found[-_PARTS : -_PARTS + 3]))


def _followed(wrapper: Any) -> list[Any] | None:
    found = gc.get_referents(wrapper)
    while found and found[-1] is not functools._CacheInfo:  # pyright: ignore[reportPrivateUsage] - there is no public name for it
        found.pop()
    if len(found) < _PARTS:
        return None
    cache, function, mark, links = found[-_PARTS:-1]
    known = type(cache) is dict and callable(function) and type(mark) is object and isinstance(links, type)
    return found if known else None


def _entries(wrapper: Any, cache: dict[Any, Any]) -> list[tuple[Any, Any]] | None:
    """What the cache holds, the most recently used last."""
    if _Wrapper.cache_info(wrapper).maxsize is None:
        return list(cache.items())
    found = _followed(wrapper)
    if found is None:
        return None
    links = found[-2]
    flat = [part for part in found[:-_PARTS] if part is not links]
    flat = flat[1:] if flat and flat[0] is type(wrapper) else flat
    entries = list(zip(flat[::2], flat[1::2], strict=False))
    held = {id(key) for key, _ in entries} == {id(key) for key in cache}
    return entries if held and len(flat) == 2 * len(cache) else None


def _mark() -> object:
    parts = _parts(functools.lru_cache(print))
    return object() if parts is None else parts[2]


_MARK = _mark()


# The functions below have contracts; they run whole.


def numbered(
    cached: Cached, positional: tuple[Any, ...], names: tuple[str, ...], values: tuple[Any, ...]
) -> int:
    """The number of the key of a call."""
    return cached.number(cached.key(positional, names, values))


def follow(
    cached: Cached,
    number: int,
    positional: tuple[Any, ...],
    names: tuple[str, ...],
    values: tuple[Any, ...],
    answer: Any,
) -> None:
    """The call had this answer."""
    cached.follow(number, positional, names, values, answer=answer)


def miss(cached: Cached) -> None:
    """A call had no answer that is kept."""
    cached.miss()


def oldest(order: dict[int, None]) -> int:
    """The number that comes first."""
    return next(iter(order))
