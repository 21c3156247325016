"""Operators, displays and formatting over plain operands give what CPython's compiled code for them gives."""

from __future__ import annotations

import linecache
import random
import traceback
from typing import Any

import pytest
import xcs

SEEDS = range(60)
BINARY = ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^"]
COMPARISONS = ["<", "<=", ">", ">=", "==", "!=", "is", "is not"]
CONSTANTS = [
    "0",
    "1",
    "-1",
    "2.5",
    "-0.0",
    "True",
    "None",
    "''",
    "'ab'",
    "'%s'",
    "'%d of %s'",
    "3j",
    "b'x'",
    "()",
]
OPERANDS: list[Any] = [0, 1, -3, 7, 2**70, True, None, 0.5, -0.0, float("inf"), "", "a", "%s!", "é", 1j, b"y"]
OPERANDS += [(1, "b"), (), [1, 2], {"k": 1}, {3}, object, len]
NAMES = ["a", "b", "c", "d"]


@xcs.op(effect="independent", returns="data")
def same(value: Any) -> Any:
    return value


def expression(draw: random.Random, depth: int) -> str:
    if depth == 0 or draw.random() < 0.15:
        return draw.choice(NAMES if draw.random() < 0.7 else CONSTANTS)

    def inner() -> str:
        return expression(draw, depth - 1)

    return draw.choice(
        [
            lambda: f"({inner()} {draw.choice(BINARY)} {inner()})",
            lambda: f"({inner()} {draw.choice(BINARY)} {inner()})",
            lambda: f"({inner()} {draw.choice(COMPARISONS)} {inner()})",
            lambda: f"({inner()} {draw.choice(COMPARISONS)} {inner()} {draw.choice(COMPARISONS)} {inner()})",
            lambda: f"({draw.choice('-+~')}{inner()})",
            lambda: f"(not {inner()})",
            lambda: f"({inner()} {draw.choice(['and', 'or'])} {inner()})",
            lambda: f"({inner()} if {inner()} else {inner()})",
            lambda: f"[{inner()}, {inner()}]",
            lambda: f"({inner()}, {inner()}, {inner()})",
            lambda: f"{{{inner()}: {inner()}, {inner()}: {inner()}}}",
            lambda: f"{{{inner()}, {inner()}, {inner()}}}",
            lambda: f"(slice({inner()}), {inner()})" if depth > 2 else inner(),
            formatted(draw),
        ]
    )()


def formatted(draw: random.Random) -> Any:
    def made() -> str:
        pieces = [
            f"{{{draw.choice(NAMES)}{draw.choice(['', '', '!r', '!s', '!a', ':>9', ':.2f', '!r:^7', ':{d}'])}}}"
            for _ in range(draw.randint(1, 3))
        ]
        return 'f"' + " and ".join(pieces) + '"'

    return made


def outcome(function: Any, *args: Any) -> tuple[Any, ...]:
    try:
        result = function(*args)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.name == "f"]
        return type(error), str(error), lines
    return type(result), repr(result)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", SEEDS)
def test_expressions_of_plain_operands_are_those_of_cpython(seed: int) -> None:
    draw = random.Random(seed)
    for number in range(12):
        text = expression(draw, 3)
        source = f"def f(a, b, c, d):\n    same(a)\n    return (\n        {text}\n    )\n"
        name = f"<expressions {seed} {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        namespace: dict[str, Any] = {"same": same}
        exec(compile(source, name, "exec"), namespace)
        plain = namespace["f"]
        jitted = xcs.jit(plain)
        for _ in range(6):
            operands = [draw.choice(OPERANDS) for _ in NAMES]
            assert outcome(jitted, *operands) == outcome(plain, *operands), (text, operands)


def test_value_that_is_evaluated_again_is_the_same_object_where_cpython_makes_it_once() -> None:
    @xcs.jit
    def several() -> list[bool]:
        made: list[list[Any]] = []
        for i in range(3):
            same(i)
            made.append([(1, "two"), -1000, f"{i}", "%s" % i])  # noqa: UP031
        return [made[0][k] is made[1][k] for k in range(2)]

    assert several() == several.__wrapped__() == [True, True]  # type: ignore[attr-defined]
