"""Makes a program that differs as small as it can be while it still differs in the same way."""

from __future__ import annotations

import ast
import io
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from random_programs.compare import Plan, check

# A program that computes or waits longer than this hangs, in seconds.
HANGS = 10
_MEMORY = 4 << 30  # bytes that it may use
_HANG = "hang: it does not end"
_ASLEEP = 5.0  # seconds between two looks at a process that gives no answer


def _state(process: int) -> tuple[bool, int]:
    """Whether the process wants to compute, and how long it has, in clock ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return fields[0] != "S", int(fields[11]) + int(fields[12])


def apart(work: Callable[[], str], patience: int = HANGS) -> str:
    """What `work` returns in a process of its own; or that it crashed or hangs.

    It hangs when it computes for longer than `patience` seconds, or sleeps. A machine that is busy with other
    things does not make it hang.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (patience, patience))
        sys.stdout = io.StringIO()  # what generators print that are dropped
        status = 1
        try:
            os.write(writer, work().encode("utf-8", "replace")[:60_000])
            status = 0
        except BaseException:  # noqa: BLE001 - the process ends here
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(writer)
    text = b""
    computed = -1
    while True:
        if not select.select([reader], [], [], _ASLEEP)[0]:
            before = computed
            wants, computed = _state(child)
            if wants or computed != before:
                continue
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return _HANG
        part = os.read(reader, 65536)
        if not part:
            break
        text += part
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGXCPU):
        return _HANG
    if os.WIFSIGNALED(status):
        return f"crash: {signal.Signals(os.WTERMSIG(status)).name}"
    return text.decode("utf-8", "replace") if status == 0 else "error: the check itself failed"


def differs(source: str, todo: list[Plan]) -> str:
    """The difference, or ""."""
    return apart(lambda: check(source, "program", todo).difference or "")


def kind(difference: str) -> str:
    """What of the observation differs."""
    return difference.partition(":")[0]


def shrunk(source: str, todo: list[Plan], wanted: str, seconds: float = 120.0) -> str:
    """The smallest program found that still differs in the way `wanted` says."""
    deadline = time.monotonic() + seconds
    source = ast.unparse(ast.parse(source))
    if kind(differs(source, todo)) != kind(wanted):
        return source
    at = 0
    smaller = True
    while smaller:
        smaller, at = False, 0
        while time.monotonic() < deadline:
            tree = ast.parse(source)
            edit = next((e for i, e in enumerate(_edits(tree)) if i == at), None)
            if edit is None:
                break
            edit()
            try:
                candidate = ast.unparse(ast.fix_missing_locations(tree))
                compile(candidate, "<candidate>", "exec")
            except (SyntaxError, ValueError, TypeError, AttributeError):
                at += 1
                continue
            if len(candidate) < len(source) and kind(differs(candidate, todo)) == kind(wanted):
                source, smaller = candidate, True
            else:
                at += 1
    return source


def _edits(tree: ast.AST) -> Iterator[Callable[[], None]]:
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from _of_block(node, name, value)
            elif isinstance(value, list) and value and isinstance(value[0], ast.AST):
                yield from _of_list(node, name, value)
            elif isinstance(value, ast.expr):
                yield from _of_expression(node, name, value)
            elif isinstance(value, ast.AST) and value is not None and isinstance(node, ast.withitem):
                yield lambda node=node, name=name: setattr(node, name, None)


def _of_block(node: ast.AST, name: str, block: list[ast.stmt]) -> Iterator[Callable[[], None]]:
    def put(statements: list[ast.stmt]) -> None:
        optional = name in ("orelse", "finalbody")
        setattr(node, name, statements or ([] if optional else [ast.Pass()]))

    size = len(block)
    while size > 1:
        size = (size + 1) // 2
        for at in range(0, len(block), size):
            yield lambda at=at, size=size: put(block[:at] + block[at + size :])
    for at, statement in enumerate(block):
        yield lambda at=at: put(block[:at] + block[at + 1 :])
        inner = [getattr(statement, part, None) for part in ("body", "orelse", "finalbody")]
        inner += [h.body for h in getattr(statement, "handlers", [])] + [
            c.body for c in getattr(statement, "cases", [])
        ]
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            for statements in inner:
                if isinstance(statements, list) and statements:
                    yield lambda at=at, statements=statements: put(block[:at] + statements + block[at + 1 :])
        if isinstance(statement, ast.Assign):
            yield lambda at=at, value=statement.value: put([*block[:at], ast.Expr(value), *block[at + 1 :]])


def _of_list(node: ast.AST, name: str, items: list[ast.AST]) -> Iterator[Callable[[], None]]:
    for at in range(len(items)):
        yield lambda at=at: setattr(node, name, items[:at] + items[at + 1 :])
    for at, item in enumerate(items):
        if isinstance(item, ast.expr):
            for smaller in _smaller(item):
                yield lambda at=at, smaller=smaller: setattr(
                    node, name, [*items[:at], smaller, *items[at + 1 :]]
                )


def _of_expression(node: ast.AST, name: str, value: ast.expr) -> Iterator[Callable[[], None]]:
    if name in ("returns", "annotation", "type", "cause"):
        yield lambda: setattr(node, name, None)
    for smaller in _smaller(value):
        yield lambda smaller=smaller: setattr(node, name, smaller)


def _smaller(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, (ast.Constant, ast.Name)):
        return
    for constant in (0, "", 1, "a"):
        yield ast.Constant(constant)
    yield ast.List([], ast.Load())
    for child in ast.iter_child_nodes(value):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.comprehension):
            yield child.iter
