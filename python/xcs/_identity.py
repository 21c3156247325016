"""What stands for an object in the digest of a request: see Note [requests] in python/bindings/digest.h."""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable
from typing import Any

from xcs._narrowing import is_dict, is_frozenset

_DIGEST_SIZE = 20


class Leniently:
    """Stands for `held` if that can be identified, otherwise for its type."""

    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


def digest_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE).digest()


@functools.cache
def version_of(code: types.CodeType) -> bytes:
    """A digest of what the code does; where it stands in its file does not count."""
    parts: list[Any] = [code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
    parts += [version_of(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts]
    return digest_of(repr(parts).encode("utf-8", "surrogatepass"))


def _constant(value: object) -> object:
    # The order of a frozenset's items differs between processes.
    return sorted(map(repr, value)) if is_frozenset(value) else value


def parts_of(thing: Any) -> tuple[Any, ...]:
    """What the object is made of: builtin data, and other objects of which the same is asked.

    Raises:
        Exception: It cannot be identified; whatever the object raises when it is asked to be pickled.
    """
    if isinstance(thing, type):
        return ("class", thing.__module__, thing.__qualname__)
    if isinstance(thing, types.ModuleType):
        return ("module", thing.__name__)
    if isinstance(thing, types.FunctionType):
        return (callee_of(thing), *_surroundings(thing))
    if isinstance(thing, types.MethodType):
        return ("method", thing.__func__, thing.__self__)
    if isinstance(thing, (types.MethodDescriptorType, types.WrapperDescriptorType)):
        return ("descriptor", thing.__objclass__, thing.__name__)
    known = _KNOWN.get(type(thing).__module__.partition(".")[0])
    if known is not None and (parts := known(thing)) is not None:
        return parts
    return _pickled(thing)


def callee_of(callee: Any) -> tuple[Any, ...]:
    """What stands for the callee of a request."""
    if isinstance(callee, types.FunctionType):
        return ("function", callee.__module__, callee.__qualname__, version_of(callee.__code__))
    return ("callee", callee)


def context_of(callee: Any, *receiver: Any) -> tuple[Any, ...]:
    """What the answer may depend on besides the request."""
    function = callee.__func__ if isinstance(callee, types.MethodType) else callee
    return (receiver, _surroundings(function)) if isinstance(function, types.FunctionType) else receiver


def _surroundings(function: types.FunctionType) -> tuple[Any, ...]:
    cells = tuple(_content(cell) for cell in function.__closure__ or ())
    named = [(name, function.__globals__.get(name)) for name in function.__code__.co_names]
    constants = tuple(pair for pair in named if type(pair[1]) in _CONSTANTS)
    return (function.__defaults__, function.__kwdefaults__, cells, constants)


_CONSTANTS = {str, int, float, bool, bytes}


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return "empty"


def _type_of(thing: object) -> type:
    return type(thing)


def _pickled(thing: Any) -> tuple[Any, ...]:
    reduced: Any = thing.__reduce_ex__(4)
    if isinstance(reduced, str):
        return ("global", _type_of(thing), getattr(thing, "__module__", ""), reduced)
    maker, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    if is_dict(state) and type(state) is dict and all(type(name) is str for name in state):
        state = dict(sorted(state.items()))
    return (
        _type_of(thing),
        maker,
        arguments,
        state,
        None if items is None else list(items),
        None if pairs is None else list(pairs),
    )


def _sdk(thing: Any) -> tuple[Any, ...] | None:
    """A client of openai or anthropic, or a part of one, which asks the same of the same server."""
    client = getattr(thing, "_client", thing)
    if not hasattr(client, "base_url") or not hasattr(client, "api_key"):
        return None
    return (
        _type_of(thing),
        str(client.base_url),
        getattr(client, "organization", None),
        getattr(client, "project", None),
    )


def _httpx(thing: Any) -> tuple[Any, ...] | None:
    if not hasattr(thing, "base_url"):
        return None
    return (_type_of(thing), str(thing.base_url), sorted(thing.params.multi_items()))


def _langchain(thing: Any) -> tuple[Any, ...] | None:
    if not hasattr(thing, "_identifying_params"):
        return None
    return (_type_of(thing), dict(thing._identifying_params))


_KNOWN: dict[str, Callable[[Any], tuple[Any, ...] | None]] = {
    "anthropic": _sdk,
    "openai": _sdk,
    "httpx": _httpx,
    "httpx2": _httpx,
    "langchain_anthropic": _langchain,
    "langchain_core": _langchain,
    "langchain_openai": _langchain,
}
