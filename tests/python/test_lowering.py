"""A lowered program does what its function does, step by step, in the same order."""

from __future__ import annotations

import ast
import asyncio
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ir_interpreter import Interpreted, Refused
from lowering_programs import PROGRAMS, Derived
from xcs._capture import capture
from xcs._core import lower_captured, refusals


class Boom(Exception):
    pass


class Value:
    """Logs what is done to it. One with an empty name is false; "it", "two" and "pair" have items."""

    def __init__(self, name: str, log: list[str]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_log", log)

    def _note(self, action: str) -> Value:
        self._log.append(f"{self._name}{action}")
        return Value(f"({self._name}{action})" if self._name else "", self._log)

    def __repr__(self) -> str:
        return f"<{self._name}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._note(f".{name}")
        if name == "error":
            return Boom
        if name == "explode":
            raise Boom(self._name)
        return Value(f"{self._name}.{name}" if self._name else "", self._log)

    def __setattr__(self, name: str, value: Any) -> None:
        self._note(f".{name}={value!r}")

    def __delattr__(self, name: str) -> None:
        self._note(f" del .{name}")

    def __getitem__(self, key: Any) -> Value:
        return self._note(f"[{key!r}]")

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note(f"[{key!r}]={value!r}")

    def __delitem__(self, key: Any) -> None:
        self._note(f" del [{key!r}]")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._note(f"({shown(args)}, {shown([*kwargs.items()])})")

    def __bool__(self) -> bool:
        self._note("?")
        return bool(self._name)

    def __iter__(self) -> Iterator[Any]:
        self._note(" iter")
        count = {"it": 3, "two": 2, "pair": 2}.get(self._name, 2)
        for i in range(count):
            self._note(f" next {i}")
            yield i

    def __contains__(self, item: Any) -> bool:
        self._note(f" contains {item!r}")
        return True

    def __hash__(self) -> int:
        self._note(" hash")
        return hash(self._name)

    def __format__(self, spec: str) -> str:
        self._note(f" format {spec}")
        return f"{self._name}:{spec}"

    def __enter__(self) -> Any:
        self._note(" enter")
        return (self, self._name)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> Any:
        self._note(f" exit {kind!r} {error!r} {traceback is None}")
        return self._note("swallows") if self._name == "swallow" else Value("", self._log)


def _operator(name: str) -> Callable[..., Any]:
    return lambda self, *others: self._note(f" {name} {others!r}")


for _name in "add radd sub mul rmul truediv floordiv matmul neg iadd isub imul ifloordiv ipow pow lt le gt ge eq ne".split():
    setattr(Value, f"__{_name}__", _operator(_name))


def observe(function: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
    """What running it shows: its steps, and how it ended."""
    log: list[str] = []

    def make(name: str) -> Value:
        log.append(f"make {name}")
        return Value(name, log)

    try:
        outcome = shown(function(*arguments, make))
    except Exception as error:  # noqa: BLE001 - how it ends is what is compared
        outcome = (type(error), shown(error.args), repr(error.__cause__), repr(error.__context__))
    return outcome, log


def shown(value: Any) -> str:
    """Its repr without addresses."""
    if isinstance(value, types.FunctionType):
        return value.__qualname__
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(shown, value))})"
    return repr(value)


@pytest.mark.parametrize("whole", [False, True], ids=["in parts", "whole regions"])
@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_program_takes_the_same_steps_as_its_function(function: types.FunctionType, whole: bool) -> None:
    assert observe(Interpreted(function, whole=whole)) == observe(function)


@pytest.mark.parametrize("whole", [False, True], ids=["in parts", "whole regions"])
def test_super_without_arguments_finds_class_and_object(whole: bool) -> None:
    assert observe(Interpreted(Derived.greet, whole=whole), Derived()) == observe(Derived.greet, Derived())


def nested_private() -> types.FunctionType:
    class Owner:
        def method(self, v: Any) -> Any:
            __name = v("n").__name
            del self
            return (lambda: __name)(), f"{__name}", [__name for __name in "ab"]  # noqa: C416

    return Owner.method


def test_private_names_are_those_of_the_class_around() -> None:
    function = nested_private()
    assert observe(Interpreted(function), None) == observe(function, None)


MODULES = """
    argparse ast asyncio.base_events base64 bdb calendar cmd code collections configparser
    contextlib copy csv dataclasses difflib dis doctest email.message email.parser enum fractions
    ftplib functools gettext glob graphlib gzip heapq html.parser http.client http.cookiejar imaplib inspect json.decoder
    json.encoder locale logging logging.handlers mailbox mimetypes numbers optparse pathlib pdb pickle pickletools
    platform plistlib pprint profile pstats pydoc queue random re shelve shlex shutil smtplib socket sqlite3.dbapi2 ssl
    statistics string subprocess symtable tarfile tempfile textwrap threading tokenize trace traceback turtle types
    typing unittest.case unittest.mock urllib.parse urllib.request uuid warnings wave weakref xml.dom.minidom
    xml.etree.ElementTree xmlrpc.client zipfile
""".split()
if sys.version_info[:2] == (3, 13):  # where pathlib is defined in another module
    MODULES[MODULES.index("pathlib")] = "pathlib._local"


def functions_of(module: types.ModuleType) -> Iterator[types.FunctionType]:
    owners = [
        module,
        *(c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__),
    ]
    for owner in owners:
        for value in list(vars(owner).values()):
            value = getattr(value, "__func__", value)
            if isinstance(value, types.FunctionType) and value.__module__ == module.__name__:
                yield value


@pytest.mark.parametrize("name", MODULES)
def test_functions_of_the_standard_library_lower_to_well_formed_programs(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))
    known = {code for code, _ in refusals()}
    lowered = 0
    for function in functions_of(module):
        if function.__code__.co_filename != getattr(module, "__file__", None):
            continue  # made by exec, as those of dataclasses are
        captured = capture(function)
        program, _ = lower_captured(captured)
        assert program.problems() == [], f"{function.__qualname__}\n{program.text()}"
        assert {program.refusal, *program.reasons} <= known | {""}
        lowered += not program.refusal
    assert lowered > 0


def looks_at_locals() -> Any:
    return locals()


def delegates() -> Any:
    return (yield from ())


async def yields_and_awaits() -> Any:
    yield 1


async def starts_tasks() -> Any:
    return asyncio.create_task(yields_and_awaits())


def leaves_except_star() -> None:
    for _ in range(2):
        import os

        class C:
            pass

        del os, C


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (looks_at_locals, "looks-at-its-frame"),
        (delegates, "yield-from"),
        (yields_and_awaits, "async-generator"),
        (starts_tasks, "starts-tasks"),
    ],
)
def test_function_that_cannot_be_lowered_says_why(function: types.FunctionType, code: str) -> None:
    with pytest.raises(Refused, match=code):
        Interpreted(function)


def test_statement_that_is_not_lowered_says_why() -> None:
    program, _ = lower_captured(capture(leaves_except_star))
    assert program.reasons == ["import-statement", "class-statement"]


def test_refusal_codes_are_sorted_and_explained_in_one_sentence() -> None:
    codes = [code for code, _ in refusals()]
    assert all(text.endswith(".") and text.count(". ") == 0 for _, text in refusals())
    assert len(set(codes)) == len(codes)


def test_operators_between_calls_are_one_fragment() -> None:
    def f(a: int, b: int, c: int) -> int:
        return a + b * c - a // (b + 1)

    program, _ = lower_captured(capture(f))
    assert len(program.to_dict()["fragments"]) == 1


def test_fragment_fails_at_the_line_and_in_the_function_of_the_user() -> None:
    def f(a: Any) -> Any:
        x = a + 1
        return x

    with pytest.raises(TypeError) as plain:
        f(None)
    with pytest.raises(TypeError) as lowered:
        Interpreted(f)(None)
    entry, expected = lowered.traceback[-1], plain.traceback[-1]
    assert (entry.path, entry.lineno, entry.name) == (expected.path, expected.lineno, expected.name)
    assert str(lowered.value) == str(plain.value)


def test_syntax_nodes_are_numbered_as_the_tree_is() -> None:
    captured = capture(looks_at_locals)
    _, nodes = lower_captured(captured)
    assert nodes[0] is captured.node
    in_list = {id(n) for n in nodes if isinstance(n, ast.AST)}
    walked = [n for n in ast.walk(captured.node) if isinstance(n, (ast.expr, ast.stmt))]
    assert all(id(n) in in_list for n in walked)
