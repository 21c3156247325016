"""What callables promise: declared by the user, or known from the registry.

The compiled part asks for the registry's contracts of a module when it first meets a callable of that module.
"""

from __future__ import annotations

import csv
import functools
import io
import re
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from xcs import _caches, _core, _guards, _prelude
from xcs._errors import UsageError
from xcs._narrowing import is_wrapped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Effect = str  # "pure", "independent", "reads", "ordered", "unknown"; also "reads(R)" and "ordered(R)"
Returns = Literal["data", "atom", "object"]
F = TypeVar("F", bound=Callable[..., Any])

# Modules that are, in some versions of Python, what the registry's keys name after another one.
HOMES = {"_io": "io", "genericpath": "posixpath", "pathlib._local": "pathlib"}

_REGISTRY = Path(__file__).parent / "registry"


@overload
def op(function: F, /) -> F: ...
@overload
def op(
    *, effect: Effect = "independent", returns: Returns = "data", resource: str | None = None
) -> Callable[[F], F]: ...
def op(
    function: Any = None,
    /,
    *,
    effect: Effect = "independent",
    returns: Returns = "data",
    resource: str | None = None,
) -> Any:
    """Declares what a function promises, where it is defined.

    Args:
        function: The function, when used as `@xcs.op` without arguments.
        effect: `"independent"`: it reaches outside and the order of such calls does not matter, so they overlap.
            `"pure"`: its result depends on its arguments alone. `"reads"` and `"ordered"`: it uses `resource`, and
            memory that the program sees is left alone, but for the objects that a Python function names; without a
            resource, everything before it comes first and everything after it waits. `"ordered(R)"` says both in
            one. `"unknown"`: it may do anything.
        returns: `"data"`: plain data of builtin types, so that reading an answer runs no code of anybody's. `"atom"`:
            something immutable, such as a string. `"object"`: anything else.
        resource: What a `"reads"` or `"ordered"` function uses.

    Example:
        >>> @xcs.op
        ... def ask(prompt: str) -> str:
        ...     return client.complete(prompt)
    """
    if function is None:
        return functools.partial(_declared, effect=effect, returns=returns, resource=resource)
    return _declared(function, effect=effect, returns=returns, resource=resource)


def _declared(function: F, *, effect: Effect, returns: Returns, resource: str | None) -> F:
    declare(function, effect=effect, returns=returns, resource=resource)
    return function


def declare(
    callee: Callable[..., Any], *, effect: Effect, returns: Returns | None = None, resource: str | None = None
) -> None:
    """Declares what a callable of somebody else's promises; see `op` for the words.

    A bound method stands for its function, whatever object it is called on. Without `returns`, an independent callable
    returns data and any other an object.

    Example:
        >>> xcs.declare(client.chat.completions.create, effect="independent", returns="object")
    """
    if not callable(callee):
        raise UsageError(f"{callee!r} cannot be called, so there is nothing to declare about it")
    effect, resource = _parts_of(effect, resource)
    if returns is None:
        returns = "data" if effect == "independent" else "object"
    fields = {"effect": effect, "returns": returns}
    if resource is not None:
        fields["resource"] = resource
    target = callee.__func__ if isinstance(callee, types.MethodType) else callee
    if isinstance(target, _core.Jitted):
        target = target.function
    try:
        _core.set_contract(target, fields, keep_alive=not isinstance(target, types.FunctionType))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if isinstance(target, types.FunctionType):
        weakref.finalize(target, _core.forget_contract, id(target)).atexit = False
        _effects[target] = effect


_effects: weakref.WeakKeyDictionary[types.FunctionType, str] = weakref.WeakKeyDictionary()


def functions_with(effect: str) -> list[types.FunctionType]:
    """The Python functions that the program declared so, and those of loaded modules that the registry has so."""
    found = {function for function, declared in _effects.items() if declared == effect}
    for file in _REGISTRY.glob("*.toml"):
        if file.stem not in sys.modules or effect == "pure":
            continue
        for key, fields in _contracts_of(file.stem).items():
            module = next((m for m in _prefixes(key) if m in sys.modules), None)
            if fields.get("effect") != effect or module is None:
                continue
            callee = _held(sys.modules[module], key[len(module) + 1 :])
            if isinstance(callee, types.FunctionType) and callee not in _effects:
                found.add(callee)
    return list(found)


def _prefixes(key: str) -> Iterator[str]:
    while "." in key:
        key = key.rpartition(".")[0]
        yield key


_WITH_RESOURCE = re.compile(r"(reads|ordered)\((.+)\)")


def _parts_of(effect: str, resource: str | None) -> tuple[str, str | None]:
    """The effect's word and the resource; `ordered(R)` names both, and without a resource it is everything."""
    both = _WITH_RESOURCE.fullmatch(effect)
    if both is not None:
        if resource is not None and resource != both[2]:
            raise UsageError(f"effect={effect!r} and resource={resource!r} name two resources; give one")
        return both[1], both[2]
    if effect in ("reads", "ordered") and resource is None:
        return "unknown", None
    return effect, resource


def of_module(name: str) -> list[tuple[Any, dict[str, Any]]]:
    """The registry's contracts of the callables that the loaded module `name` holds."""
    module = sys.modules.get(name)
    if module is None:
        return []
    found: list[tuple[Any, dict[str, Any]]] = []
    for qualname, fields in _lines_of(name, "callable"):
        callee = _held(module, qualname)
        if callee is not None:
            found.append((callee, _resolved(fields)))
    return found


def _lines_of(module: str, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the table has for the module, by qualified name."""
    for home in (module, HOMES.get(module)):
        for key, fields in _table_of(home.partition(".")[0], table).items() if home else ():
            if key.startswith(f"{home}."):
                yield key[len(f"{home}.") :], fields


def pure_attributes_of(name: str) -> list[tuple[Any, bool]]:
    """The descriptors in classes of the loaded module `name` that the registry says are pure to read.

    Each with whether it gives an atom.
    """
    module = sys.modules.get(name)
    found: list[tuple[Any, bool]] = []
    for qualname, fields in _lines_of(name, "attribute"):
        if module is None or fields.get("effect") != "pure":
            continue
        owner, _, attribute = qualname.rpartition(".")
        held = _held(module, owner)
        if isinstance(held, type) and attribute in vars(held):
            found.append((vars(held)[attribute], fields.get("returns") == "atom"))
    return found


def _contracts_of(package: str) -> dict[str, dict[str, Any]]:
    return _table_of(package, "callable")


def is_closed(module: str) -> bool:
    """Whether functions of the module reach independent calls only through what they are given."""
    return bool(_content_of(module.partition(".")[0]).get("closed", False))


def _table_of(package: str, table: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _content_of(package).get(table, {})
    return found


@functools.cache
def _content_of(package: str) -> dict[str, Any]:
    file = _REGISTRY / f"{package}.toml"
    if not file.is_file():
        return {}
    with file.open("rb") as text:
        content: dict[str, Any] = tomllib.load(text)
    return content


def _unnamed_type(key: str) -> type | None:
    """The class that registry keys name so although no module holds it under that name."""
    if key == "_csv.writer":
        return type(csv.writer(io.StringIO()))
    return type(threading.Lock()) if key == "_thread.lock" else None


def _held(module: types.ModuleType, qualname: str) -> Any:
    """What the module holds by a qualified name if that is its own: the object that calls of it will meet, or None."""
    found: Any = module
    owner, _, attribute = f"{module.__name__}.{qualname}".rpartition(".")
    if (unnamed := _unnamed_type(owner)) is not None:
        return vars(unnamed).get(attribute)
    for part in qualname.split("."):
        if isinstance(found, type):
            found = next((vars(c)[part] for c in found.__mro__[:1] if part in vars(c)), None)
        else:
            found = vars(found).get(part) if isinstance(found, types.ModuleType) else None
        if found is None:
            return None
    if is_wrapped(found):
        found = found.__func__
    if isinstance(found, types.FunctionType) and not _is_own(found, module):
        return None
    return found


def _is_own(function: types.FunctionType, module: types.ModuleType) -> bool:
    package = module.__name__.partition(".")[0]
    home = function.__globals__.get("__name__", "")
    return isinstance(home, str) and home.partition(".")[0] == package


def _resolved(fields: dict[str, Any]) -> dict[str, Any]:
    named = {"guard": _guards, "enter": _prelude}
    found = {key: getattr(module, fields[key]) for key, module in named.items() if key in fields}
    if "type" in fields:
        module_name, _, name = fields["type"].rpartition(".")
        found["type"] = getattr(sys.modules.get(module_name), name, None)
    return {**fields, **found} if found else fields


def keys() -> Iterator[str]:
    """The names of all callables in the registry."""
    for file in sorted(_REGISTRY.glob("*.toml")):
        yield from _contracts_of(file.stem)


for _function in (
    _prelude.in_order,
    _prelude.permuted,
    _prelude.larger,
    _prelude.smaller,
    _prelude.largest,
    _prelude.smallest,
    _prelude.taken_apart,
):
    _core.set_contract(_function, {"effect": "pure", "returns": "element"}, keep_alive=True)
_core.set_contract(
    _prelude.permutation, {"effect": "ordered", "resource": "object:{0}", "returns": "atom"}, keep_alive=True
)
_core.set_contract(
    _prelude.is_pair, {"effect": "pure", "returns": "atom", "arguments": "none"}, keep_alive=True
)
_core.set_contract(
    _prelude.add_to_sequence, {"effect": "pure", "returns": "object", "arguments": "none"}, keep_alive=True
)
for _whole in (_prelude.checked_length, _prelude.filled):
    _core.set_contract(_whole, {"effect": "pure", "returns": "atom"}, keep_alive=True)
_core.set_contract(
    _caches.numbered, {"effect": "pure", "returns": "atom", "arguments": "none"}, keep_alive=True
)
_core.set_contract(
    _caches.oldest, {"effect": "pure", "returns": "atom", "arguments": "shallow"}, keep_alive=True
)
for _follower in (_caches.follow, _caches.miss):
    _core.set_contract(
        _follower,
        {"effect": "ordered", "resource": "memo", "returns": "atom", "arguments": "none"},
        keep_alive=True,
        by_user=False,
    )
