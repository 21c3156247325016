"""Source files, parsed as far as is needed: the definition that is asked for, or else the whole file."""

from __future__ import annotations

import ast
import gc
import itertools
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

from xcs._narrowing import is_list

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp)
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
_DEFINITION = re.compile(r"\s*(async\s+def\b|def\b|@)")
_DEF = re.compile(r"\s*(async\s+def|def)\b")
_CLASS = re.compile(r"\s*class\s+(\w+)")
# The beginnings of lines by which the imports of a module are told from those in its functions.
_BEGINNINGS = re.compile(r"^([ \t]*)(import|from|async\s+def|def|class)\b|^\w+", re.MULTILINE)
# How many lines that look like a definition's end, and are inside a string or brackets, are tried.
_MOST_ENDS = 8


@dataclass(frozen=True)
class Candidate:
    """A function in a file, and the class whose private names it uses, or ""."""

    node: FunctionNode
    class_name: str


@dataclass
class _Part:
    """A definition that was parsed by itself; lines are counted from 1, the last one is the first after it."""

    first: int
    end: int
    root: Candidate
    functions: dict[int, list[Candidate]] | None = None  # those in it, by line, once one was asked for


class SourceFile:
    """The text of a file, and the functions in it by the line on which their code begins."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.lines = lines
        self._name = name
        self._parts: list[_Part] = []
        self._whole: dict[int, list[Candidate]] | None = None
        self._imported: list[str] | None = None

    def candidates(self, code: CodeType) -> Iterator[list[Candidate]]:
        """Functions that may have become the code, from what is parsed already to the whole file.

        Raises:
            SyntaxError: The whole file was asked for and does not parse.
        """
        line = code.co_firstlineno
        if self._whole is None:
            part = self._part_around(line, code)
            if part is not None:
                if part.first == line and code.co_name == getattr(part.root.node, "name", None):
                    yield [part.root]
                if part.functions is None:
                    part.functions = _by_line(_walk(part.root.node, part.root.class_name))
                yield part.functions.get(line, [])
            with uncollected():
                tree = ast.parse("".join(self.lines), self._name)
                self._whole = _by_line(_walk(tree, ""))
                self._imported = list(_imported(tree))
        yield self._whole.get(line, [])

    def imported(self, code: CodeType, globals: dict[str, Any]) -> Iterator[list[str] | None]:
        """Names that imports of the module may bind, for CPython compiles calls of their attributes differently.

        What a statement of a jitted function defines was compiled without the imports of its module.
        """
        names = _names_in(code)
        guess = [name for name in names if isinstance(globals.get(name), ModuleType)]
        yield guess
        if self._imported is None:
            self._imported = list(_probably_imported("".join(self.lines)))
        used = [name for name in self._imported if name in names]
        if set(used) != set(guess):
            yield used
        if guess:
            yield None
        if "super" in names:  # CPython compiles its calls differently where the module has the name, too
            yield [*guess, "super"]

    def _part_around(self, line: int, code: CodeType) -> _Part | None:
        """The smallest known definition around the line, or the one that begins on it or is the nearest around it."""
        known = [part for part in self._parts if part.first <= line < part.end]
        if known:
            return max(known, key=lambda part: part.first)
        if line > len(self.lines):
            return None
        first = line if _DEFINITION.match(self.lines[line - 1]) else self._line_around(line, _DEF)
        part = self._parsed(first, code) if first else None
        if part is None or not part.first <= line < part.end:
            return None
        self._parts.append(part)
        return part

    def _line_around(self, line: int, beginning: re.Pattern[str]) -> int:
        """The nearest line above that begins so and has what is on `line` inside it by indentation, or 0."""
        width = _indentation(self.lines[line - 1])
        for at in range(line - 1, 0, -1):
            text = self.lines[at - 1]
            if text.strip() and _indentation(text) < width:
                if beginning.match(text):
                    return at
                width = _indentation(text)
        return 0

    def _parsed(self, first: int, code: CodeType) -> _Part | None:
        width = _indentation(self.lines[first - 1])
        if width and first == 1:
            return None
        for end in self._ends(first, width):
            text = "".join(self.lines[first - 1 : end - 1])
            # As many lines as there are before it, so that all positions are the file's.
            before = "\n" * (first - 2) + "if 1:\n" if width else "\n" * (first - 1)
            try:
                with uncollected():
                    tree = ast.parse(before + text, self._name)
            except (SyntaxError, ValueError):
                continue
            statement = tree.body[0]
            root: Any = statement.body[0] if width and isinstance(statement, ast.If) else statement
            if not isinstance(root, _FUNCTIONS):
                return None
            return _Part(first, end, Candidate(root, self._class_around(code, first, root)))
        return None

    def _class_around(self, code: CodeType, first: int, root: Any) -> str:
        """The class around the definition, as far as the qualified name of its code or the indentation tells."""
        qualname: str | None = getattr(code, "co_qualname", None)
        if qualname is None:
            at = self._line_around(first, _CLASS)
            around = _CLASS.match(self.lines[at - 1]) if at else None
            return around[1] if around else ""
        names = qualname.split(".")
        if (
            code.co_firstlineno != first or code.co_name != root.name
        ):  # code of something inside the definition
            names = names[: names.index(root.name) + 1] if root.name in names else []
        classes = [name for name, inner in itertools.pairwise(names) if "<locals>" not in (name, inner)]
        return classes[-1] if classes else ""

    def _ends(self, first: int, width: int) -> Iterator[int]:
        """Lines that may be the first one after the definition."""
        tried = 0
        begun = False
        for at in range(first, len(self.lines) + 1):
            text = self.lines[at - 1]
            stripped = text.lstrip()
            if not stripped or stripped[0] in "#)]}" or _indentation(text) > width:
                continue
            if not begun:
                begun = _DEF.match(text) is not None
                continue
            yield at
            tried += 1
            if tried == _MOST_ENDS:
                return
        yield len(self.lines) + 1


def _indentation(line: str) -> int:
    width = len(line) - len(line.lstrip())
    return width if "\t" not in line[:width] else len(line[:width].expandtabs())


def _names_in(code: CodeType) -> dict[str, None]:
    """All names that the code and what is defined in it use: what a module imports counts for a local of its name."""
    names = dict.fromkeys((*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names


@contextmanager
def uncollected() -> Generator[None]:
    """A tree of many nodes and no garbage is built: looking for garbage meanwhile takes most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _by_line(candidates: Iterator[Candidate]) -> dict[int, list[Candidate]]:
    functions: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        functions.setdefault(first_line(candidate.node), []).append(candidate)
    return functions


def _walk(tree: ast.AST, class_name: str) -> Iterator[Candidate]:
    """The functions in the tree, in the order of the source, each with the class around it."""
    pending: list[tuple[ast.AST, str]] = [(tree, class_name)]
    while pending:
        node, class_name = pending.pop()
        if isinstance(node, _FUNCTIONS):
            yield Candidate(node, class_name)
        if isinstance(node, ast.ClassDef):
            class_name = node.name
        inner: list[tuple[ast.AST, str]] = []
        for name in node._fields:
            value = getattr(node, name, None)
            if is_list(value):
                inner += [(v, class_name) for v in value if isinstance(v, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
                inner.append((value, class_name))
        pending += reversed(inner)


def _imported(tree: ast.Module) -> Iterator[str]:
    """The names that imports of the module bind."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _bound(node)
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            pending.extend(ast.iter_child_nodes(node))


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    return (alias.asname or alias.name.partition(".")[0] for alias in node.names if alias.name != "*")


def _probably_imported(text: str) -> Iterator[str]:
    """As `_imported`, as far as the beginnings of the lines tell."""
    inside: int | None = None  # the indentation of the function or class that the line is in
    for found in _BEGINNINGS.finditer(text):
        width = _indentation((found[1] or "") + ".")
        if inside is not None and width > inside:
            continue
        inside = None if found[2] in ("import", "from", None) else width
        if inside is None and found[2] is not None:
            for node in _statement_at(text, found.start(2)):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    yield from _bound(node)


def _statement_at(text: str, start: int) -> list[ast.stmt]:
    end = text.find("\n", start)
    for _ in range(100):
        piece = text[start:] if end == -1 else text[start:end]
        if piece.count("(") == piece.count(")") and not piece.endswith("\\"):
            try:
                return ast.parse(piece).body
            except SyntaxError:
                return []
        if end == -1:
            return []
        end = text.find("\n", end + 1)
    return []


def first_line(node: Any) -> int:
    """The line on which the function's code begins."""
    decorators = getattr(node, "decorator_list", None)
    line: int = decorators[0].lineno if decorators else node.lineno
    return line
