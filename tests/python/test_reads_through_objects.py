"""Whatever reads through an object sees what was assigned to it earlier: texts, copies, calls, patterns.

Each case stores something that is not there yet into a module, a function, a class or an instance, and then reads it by
way of something else than that very attribute.
"""

# ruff: noqa: UP030, UP031, UP032, RUF012 - the code is what is tried

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import json
import pprint
import reprlib
import types
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Check, ask, ask_object, log

import xcs  # isort: skip


class Plain:
    def __init__(self) -> None:
        self.kept: Any = 1

    @property
    def shown(self) -> Any:
        log("shown")
        return self.kept

    def method(self, *, given: Any = 1) -> Any:
        return self.kept, given


@dataclasses.dataclass
class Record:
    kept: Any = 1


class Hooked:
    def __init__(self) -> None:
        self.kept: Any = 1

    def __getstate__(self) -> Any:
        log("getstate")
        return {"kept": self.kept}


def partial_target(*given: Any) -> Any:
    return given


def make_module() -> Any:
    module = types.ModuleType("made", "text")
    vars(module).update(kept=1)
    return module


def make_function() -> Any:
    def made(*, given: Any = 1) -> Any:
        return given

    vars(made).update(kept=1)
    return made


def make_class() -> Any:
    class Made:
        kept: Any = 1

    return Made


def make_partial() -> Any:
    made: Any = functools.partial(partial_target, 1)
    made.kept = 1
    return made


def make_cached() -> Any:
    made: Any = functools.lru_cache(partial_target)
    made.kept = 1
    return made


def make_generator() -> Any:
    return (n for n in ())


def make_member() -> Any:
    class Color(enum.Enum):
        RED = 1

    return Color.RED


def store_kept(x: Any) -> None:
    x.kept = ask("kept")


def store_item(x: Any) -> None:
    vars(x)["kept"] = ask("kept")


def store_updated(x: Any) -> None:
    x.__dict__.update(kept=ask("kept"), more=2)


def store_twice(x: Any) -> None:
    x.kept = ask("first")
    x.kept = ask("kept")


def store_removed(x: Any) -> None:
    x.kept = ask("first")
    del x.kept


def store_name(x: Any) -> None:
    x.__name__ = ask("name")


def store_qualified_name(x: Any) -> None:
    x.__qualname__ = ask("name")


def store_text(x: Any) -> None:
    x.__doc__ = ask("text")


def store_file(x: Any) -> None:
    x.__file__ = ask("file")


def store_loader(x: Any) -> None:
    x.__loader__ = ask("loader")


def store_hook(x: Any) -> None:
    text = ask("hook")
    x.__getattr__ = lambda name: text + name


def store_module_class(x: Any) -> None:
    text = ask("class")
    x.__class__ = type("Made", (types.ModuleType,), {"__repr__": lambda self: text})


def store_class(x: Any) -> None:
    text = ask("class")
    x.__class__ = type("Made", (Plain,), {"__repr__": lambda self: text})


def store_defaults(x: Any) -> None:
    x.__kwdefaults__ = {"given": ask("default")}


def store_default(x: Any) -> None:
    x.__kwdefaults__["given"] = ask("default")


def store_value(x: Any) -> None:
    x._value_ = ask("value")


def store_of_function(x: Any) -> None:
    x.__func__.more = ask("more")


def store_of_self(x: Any) -> None:
    x.__self__.kept = ask("kept")


def read_repr(x: Any) -> Any:
    return repr(x)


def read_format(x: Any) -> Any:
    return f"{x} {x!r}", "%s" % (x,), "{}".format(x)


def read_inside(x: Any) -> Any:
    return repr([x]), str({"k": (x,)})


def read_pretty(x: Any) -> Any:
    return reprlib.repr(x)[:12], pprint.pformat([x])


def read_json(x: Any) -> Any:
    return json.dumps(x, default=repr)


def read_fields(x: Any) -> Any:
    return "{0.kept}".format(x)


def read_keyword_fields(x: Any) -> Any:
    return "{x.kept:>{width}}".format(x=x, width=9), "{x.__name__}".format_map({"x": x})


def read_shown(x: Any) -> Any:
    return "{0.shown}".format(x)


def read_copy(x: Any) -> Any:
    return vars(copy.copy(x))


def read_deep_copy(x: Any) -> Any:
    return vars(copy.deepcopy([x])[0])


def read_pattern(x: Any) -> Any:
    match x:
        case types.ModuleType(kept=found) | Plain(kept=found) | Record(found):
            return found
    return None


def read_pattern_shown(x: Any) -> Any:
    match [x]:
        case [Plain(shown=found)]:
            return found
    return None


def read_by_call(x: Any) -> Any:
    return look(x), look([x])


def read_called(x: Any) -> Any:
    return x(), functools.partial(x)()


def read_type(x: Any) -> Any:
    return type(x).__name__, isinstance(x, Plain), isinstance(x, types.ModuleType)


def read_value(x: Any) -> Any:
    return x.value, repr(x), x


def read_text(x: Any) -> Any:
    return x.__doc__


def read_more(x: Any) -> Any:
    return hasattr(x, "more"), sorted(x.__dict__)


@xcs.op
def look(given: Any) -> Any:
    x = given[0] if isinstance(given, list) else given
    return repr(x), sorted(map(str, vars(x).items())), getattr(x, "kept", None), getattr(x, "__doc__", None)


TEXTS = [read_repr, read_format, read_inside, read_pretty, read_json]
STORES = [store_kept, store_item, store_updated, store_twice, store_removed]
CASES: list[tuple[Callable[[], Any], list[Callable[[Any], None]], list[Callable[[Any], Any]]]] = [
    (make_module, [store_name, store_file, store_loader, store_hook, store_module_class], TEXTS),
    (make_module, [store_kept, store_text], [read_by_call, read_pattern, read_fields]),
    (make_module, [store_module_class], [read_type]),
    (make_function, [store_qualified_name], TEXTS),
    (make_function, [store_name, store_kept], [read_keyword_fields, read_by_call]),
    (make_function, [store_defaults, store_default], [read_called]),
    (make_class, [store_qualified_name, store_name], TEXTS),
    (make_class, [store_kept], [read_fields, read_keyword_fields]),
    (make_partial, [*STORES, store_text], [read_by_call, read_deep_copy, read_fields]),
    (make_cached, [*STORES, store_text], [read_by_call, read_fields]),
    (make_generator, [store_qualified_name], TEXTS),
    (make_member, [store_value], [*TEXTS, read_value, read_by_call]),
    (lambda: Plain().method, [store_of_function], [read_more, read_by_call]),
    (lambda: Plain().method, [store_of_self], [read_called]),
    (Plain, STORES, [read_copy, read_deep_copy, read_fields, read_pattern, read_pattern_shown, read_shown]),
    (Plain, [store_class], [*TEXTS, read_type, read_copy]),
    (Record, STORES, [*TEXTS, read_copy, read_deep_copy, read_fields, read_pattern]),
    (Hooked, STORES, [read_copy, read_deep_copy]),
]


@pytest.mark.parametrize(
    ("make", "store", "read"),
    [
        pytest.param(make, store, read, id=f"{make.__name__}-{store.__name__}-{read.__name__}")
        for make, stores, reads in CASES
        for store in stores
        for read in reads
    ],
)
def test_what_reads_through_an_object_sees_earlier_stores(
    check: Check, make: Callable[[], Any], store: Callable[[Any], None], read: Callable[[Any], Any]
) -> None:
    def run(x: Any) -> Any:
        log(ask("before"))
        store(x)
        return read(x)

    check(run, lambda: (make(),))
    Plain.method.__dict__.clear()


class Sharing:
    items: list[Any] = []

    def read(self) -> Any:
        return list(self.items)


@xcs.op
def call(function: Callable[[], Any]) -> Any:
    return function()


@xcs.op
def items_of(x: Any) -> Any:
    return list(x.items)


def test_functions_that_a_call_is_given_are_memory(check: Check) -> None:
    def run() -> Any:
        total: Any = 0
        history: list[Any] = []

        def captured() -> Any:
            return total, list(history)

        def defaulted(given: list[Any] = []) -> Any:
            return list(given)

        total = ask("total")
        first = call(captured)
        history.append(ask("history"))
        defaulted.__defaults__[0].append(ask("default"))  # type: ignore[index]
        return (
            first,
            call(captured),
            call(functools.partial(list, history)),
            call(history.copy),
            call(defaulted),
        )

    check(run)


def test_what_a_class_shares_is_reached_through_its_instances(check: Check) -> None:
    def run() -> Any:
        Sharing.items.clear()
        shared = Sharing()
        shared.items.append(ask("item"))
        return call(shared.read), items_of(shared), items_of(Sharing)

    check(run)


class First:
    def name(self) -> str:
        return "first"


class Second:
    def name(self) -> str:
        return "second"


def test_classes_are_asked_as_they_are(check: Check) -> None:
    def run() -> Any:
        class Made(First):
            pass

        text = ask("bases")
        Made.__bases__ = (Second,) if text else (First,)
        made = Made()
        return issubclass(Made, First), issubclass(Made, Second), isinstance(made, Second), made.name()

    check(run)


class Evil:
    def __hash__(self) -> int:
        return hash("given")

    def __eq__(self, other: object) -> bool:
        if hasattr(Descriptor.owner, "given"):
            log("removed")
            del Descriptor.owner.given
        return False


class Descriptor:
    owner: Any = None

    def __get__(self, instance: Any, owner: Any = None) -> int:
        return 1


def test_keys_of_an_instance_that_run_code_are_compared_once(check: Check) -> None:
    def make() -> tuple[Any, ...]:
        class Made:
            given = Descriptor()

        Descriptor.owner = Made
        made = Made()
        vars(made)[Evil()] = 0
        return (made,)

    def run(made: Any) -> Any:
        before = made.given
        log(ask_object("then"))
        return before, hasattr(made, "given")

    def run_ahead(made: Any) -> Any:
        log(ask_object("then"))
        return made.given, hasattr(made, "given")

    check(run, make)
    check(run_ahead, make)
