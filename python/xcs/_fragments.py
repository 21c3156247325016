"""Compiles what a program refers to: fragments, statements, constants and nested functions.

Everything is compiled by CPython from the user's own syntax, with its file and positions, on first use.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from xcs._capture import (
    EMPTY_TUPLE,
    Captured,
    compile_nested,
    compile_quietly,
    enclosed,
    find_code,
    requalified,
)
from xcs._imports import places
from xcs._narrowing import is_list, is_tuple
from xcs._operations import Operation, Several, split


class _Unbound:
    """Stands for a variable without a value among the inputs and outputs of a statement."""

    def __repr__(self) -> str:
        return "<unbound>"


UNBOUND = _Unbound()


class _Keys:
    """Indexing it answers the key: the only way to write a slice, or a tuple of slices, as an expression."""

    def __getitem__(self, key: Any) -> Any:
        return key


_KEYS = _Keys()


# How many fragments are compiled as one module. The syntax of more would live long enough for the garbage collector to
# look at all of it again and again.
_TOGETHER = 16


class _Part(NamedTuple):
    """A function to compile: its parameters and body, the place of what has none, and its defaults."""

    arguments: ast.arguments
    body: list[ast.stmt]
    at: ast.AST
    defaults: tuple[Any, ...]


Use = tuple[int, Callable[..., str], tuple[str, ...]]


class Fragments:
    """What the indices of one program stand for, in its function.

    Args:
        program: The program (`xcs._core.Program`).
        nodes: The `ast` node of each syntax node; see `Converted` in python/bindings/syntax.h.
        captured: The function it was lowered from.
    """

    def __init__(self, program: Any, nodes: list[Any], captured: Captured) -> None:
        self._program = program
        self.nodes = nodes
        self._captured = captured
        self._fragments: dict[int, Callable[..., Any]] = {}
        self._declared_globals: list[str] | None = None

    def constant(self, index: int) -> Any:
        """The constant; None for one that the source does not spell."""
        syntax = self._program.constant(index)
        if syntax is None:
            return None
        node = self.nodes[syntax]
        if isinstance(node, ast.Constant):
            return node.value
        return eval(compile(ast.Expression(node), self._captured.file, "eval"), {})

    def fragment(self, index: int) -> Callable[..., Any]:
        """A function from the operands, in order, to the fragment's value."""
        made = self._fragments.get(index)
        if made is None:
            first = index - index % _TOGETHER
            try:
                some = range(first, min(first + _TOGETHER, self._program.fragment_count))
                self._fragments |= self._fragment_functions(some)
            except (SyntaxError, RecursionError, ValueError):  # of one that may never be asked for
                self._fragments |= self._fragment_functions([index])
            made = self._fragments[index]
        return made

    def uses(self, index: int, wanted: list[bool]) -> tuple[Use, ...] | None:
        """How an f-string, or one field of it, uses the wanted ones among its operands.

        Returns:
            In their order, the operand of each use, the builtin that makes its text and that one's other arguments.
            None when an operand is used in another way, or when formatting another one may fail before.
        """
        spec = self._program.fragment(index)
        holes = {self._hole_key(hole): i for i, hole in enumerate(spec["holes"]) if hole is not None}
        names = {name: i for i, name in enumerate(spec["operands"])}

        def operand_of(part: ast.AST) -> int | None:
            return holes.get(id(part), names.get(part.id) if isinstance(part, ast.Name) else None)

        root = self.nodes[spec["syntax"]]
        if not isinstance(root, ast.JoinedStr | ast.FormattedValue):
            return None
        found: list[Use] = []
        may_fail = False
        for part in root.values if isinstance(root, ast.JoinedStr) else [root]:
            if not isinstance(part, ast.FormattedValue):
                continue
            conversion = chr(part.conversion) if part.conversion > 0 else ""
            text = _constant_text(part.format_spec)
            operand = operand_of(part.value)
            if operand is not None and wanted[operand]:
                if may_fail or text is None or conversion == "a":
                    return None
                show: Callable[..., str] = repr if conversion == "r" else str if conversion else format
                found.append((operand, show, (text,) if show is format else ()))
                continue
            inside = map(operand_of, ast.walk(part))
            if any(i is not None and wanted[i] for i in inside):
                return None
            may_fail = may_fail or operand is None or text != ""
        return tuple(found)

    def operations(self, index: int) -> Operation | Several | None:
        """The operators that the fragment is made of; None when it is something else."""
        spec = self._program.fragment(index)
        root = self.nodes[spec["syntax"]]
        holes = self._holes(spec)
        if isinstance(root, ast.AugAssign):
            return split(root, spec["operands"])
        return split(_expression(root, holes), spec["operands"])

    def statement(self, index: int) -> Statement:
        """The statement, ready to run."""
        spec = self._program.statement(index)
        node = self.nodes[spec["syntax"]]
        code = self._statement_code(node, spec)
        return Statement(code, self._captured, spec["output_names"], spec["cell_names"])

    def imported(self, index: int) -> list[tuple[dict[str, Any], str]] | None:
        """What the statement, an import, reads where it runs nothing (`xcs._imports.places`)."""
        spec = self._program.statement(index)
        return places(self.nodes[spec["syntax"]], spec["output_names"], self._captured.globals)

    def function(self, index: int) -> tuple[CodeType, tuple[str, ...], dict[str, str]]:
        """The code of a nested function, the names its annotation operands are for, and annotations known already.

        The code's free variables are the template's cells, in their order.
        """
        spec = self._program.function(index)
        node = self.nodes[spec["syntax"]]
        code = compile_nested(
            node,
            self._captured.class_name,
            spec["cells"],
            self._captured.code,
            imported=self._captured.imported,
        )
        if code.co_freevars != tuple(spec["cells"]):
            raise AssertionError(f"{code.co_name} takes {code.co_freevars}, not {tuple(spec['cells'])}")
        code = requalified(code, self._captured.class_name, spec["qualname"])
        names = _annotation_names(node)
        if not self._captured.future_annotations:
            return code, tuple(names), {}
        return code, (), {name: ast.unparse(annotation) for name, annotation in names.items()}

    def is_in_comprehension(self, line: int, column: int, end_line: int, end_column: int) -> bool:
        """Whether what stands there is in a comprehension that is a function of its own, as up to Python 3.11."""
        if sys.version_info >= (3, 12):
            return False
        place = ((line, column), (end_line, end_column))
        return any(
            isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp))
            and _covers(node, place)
            and not _covers(node.generators[0].iter, place)
            for node in ast.walk(self._captured.node)
        )

    def frame(self, line: int, column: int, end_line: int, end_column: int) -> Callable[..., Any]:
        """A function that calls its first argument with the others, at this place of the program's function."""
        at = ast.Pass(lineno=line, col_offset=column, end_lineno=end_line, end_col_offset=end_column)
        arguments = ast.arguments(
            posonlyargs=[ast.arg(".call")],
            args=[],
            vararg=ast.arg(".arguments"),
            kwonlyargs=[],
            kw_defaults=[],
            kwarg=ast.arg(".keywords"),
            defaults=[],
        )
        given: list[ast.expr] = [ast.Starred(_load(".arguments"), ast.Load())]
        named = [ast.keyword(None, _load(".keywords"))]
        body: list[ast.stmt] = [ast.Return(ast.Call(_load(".call"), given, named))]
        return self._compiled([_Part(arguments, body, at, ())])[0]

    def _hole_key(self, syntax: int) -> int:
        node = self.nodes[syntax]
        if is_tuple(node):  # `**value` of a dict
            parent, position = node
            return id(parent.values[position])
        return id(node)

    def _holes(self, spec: dict[str, Any]) -> dict[int, str]:
        """The names that stand for nodes in the fragment's syntax."""
        return {
            self._hole_key(hole): name
            for hole, name in zip(spec["holes"], spec["operands"], strict=True)
            if hole is not None
        }

    def _fragment_functions(self, indices: Sequence[int]) -> dict[int, Callable[..., Any]]:
        parts: list[_Part] = []
        for index in indices:
            spec = self._program.fragment(index)
            root = self.nodes[spec["syntax"]]
            operands = spec["operands"]
            holes = self._holes(spec)
            hidden = _hidden_operand(root)
            arguments = ast.arguments(
                posonlyargs=[],
                args=[ast.arg(o) for o in [*operands, *hidden]],
                kwonlyargs=[],
                kw_defaults=[],
                defaults=[],
            )
            parts.append(_Part(arguments, _body(root, holes), _location(root), tuple(hidden.values())))
        return dict(zip(indices, self._compiled(parts), strict=True))

    def _compiled(self, parts: list[_Part]) -> list[Callable[..., Any]]:
        """The functions, compiled as one module."""
        captured = self._captured
        name, qualname, first_line = captured.code.co_name, captured.qualname, captured.code.co_firstlineno
        definitions: list[ast.stmt] = []
        for number, part in enumerate(parts):
            definition = _plain_definition(f".part{number}", part.arguments, part.body)
            definitions.append(_located(definition, part.at))
            definition.lineno = first_line
        if not definitions:
            return []
        code = compile_quietly(enclosed(definitions, captured.class_name, ()), captured.code)
        found = {function.co_name: function for function in _functions_in(code, captured.class_name)}
        made: list[Callable[..., Any]] = []
        for number, part in enumerate(parts):
            own = requalified(found[f".part{number}"], captured.class_name, qualname).replace(co_name=name)
            made.append(FunctionType(own, captured.globals, name, part.defaults))
        return made

    def _statement_code(self, node: Any, spec: dict[str, Any]) -> CodeType:
        captured = self._captured
        inputs, cells = spec["input_names"], spec["cell_names"]
        parameters = None if isinstance(captured.node, ast.GeneratorExp) else captured.node.args
        node = _with_given(node, ".0") if ".0" in inputs else node
        if "__class__" in cells and parameters is not None:
            node = _SuperCalls(_first_parameter(parameters)).visit(_copied(node))
        body: list[ast.stmt] = []
        if self._declared_globals is None:
            self._declared_globals = _declared_globals(captured.node)
        if self._declared_globals:
            body.append(ast.Global(self._declared_globals))
        shared = [name for name in cells if name != "__class__"]
        if shared:
            body.append(ast.Nonlocal(shared))
        for name in inputs:
            test = ast.Compare(_load(name), [ast.Is()], [_load(".unbound")])
            body.append(ast.If(test, [ast.Delete([ast.Name(name, ast.Del())])], []))
        report = ast.Call(_load(".report"), [ast.Call(_load(".locals"), [], [])], [])
        body.append(ast.Try([node], [], [], [ast.Expr(report)]))
        names = [".locals", ".report", ".unbound", *inputs]
        arguments = ast.arguments(
            posonlyargs=[], args=[ast.arg(n) for n in names], kwonlyargs=[], kw_defaults=[], defaults=[]
        )
        definition = _definition(captured.code.co_name, arguments, body, node)
        definition.lineno = captured.code.co_firstlineno
        module = enclosed([definition], captured.class_name, cells)
        code = compile_quietly(module, captured.code)
        return requalified(find_code(code, captured.code.co_name), captured.class_name, captured.qualname)


class Statement:
    """A statement run by CPython as it stands, as a part of its function.

    What it is given and gives are its inputs and outputs in order, `UNBOUND` for those without a value. There are
    outputs also when it raises.
    """

    def __init__(self, code: CodeType, captured: Captured, outputs: list[str], cells: list[str]) -> None:
        self._code = code
        self._globals = captured.globals
        self._outputs = outputs
        self._cell_order = [cells.index(name) for name in code.co_freevars]

    def bound(self, cells: tuple[CellType, ...]) -> FunctionType:
        """A function of `locals`, a function that takes the variables at the end, UNBOUND, and the inputs."""
        closure = tuple(cells[i] for i in self._cell_order)
        return FunctionType(self._code, self._globals, self._code.co_name, None, closure)

    def outputs(self, left: list[dict[str, Any]]) -> tuple[Any, ...]:
        """The outputs, in order, of the variables that the function has left."""
        # The variables hold `.report`, which holds the list: taking them out leaves no cycle behind.
        variables = left.pop()
        return tuple([variables.get(name, UNBOUND) for name in self._outputs])


def _covers(node: Any, place: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    start, end = place
    return (node.lineno, node.col_offset) <= start and end <= (node.end_lineno, node.end_col_offset)


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _definition(name: str, arguments: ast.arguments, body: list[ast.stmt], at: ast.AST) -> ast.FunctionDef:
    definition: ast.FunctionDef = _placed(_plain_definition(name, arguments, body), at)
    return definition


def _plain_definition(name: str, arguments: ast.arguments, body: list[ast.stmt]) -> ast.FunctionDef:
    definition = ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[], returns=None)
    if sys.version_info >= (3, 12):
        definition.type_params = []
    return definition


def _functions_in(code: CodeType, class_name: str) -> Iterator[CodeType]:
    """The functions that a module made by `enclosed` defines."""
    inner: CodeType = next(c for c in code.co_consts if isinstance(c, CodeType))
    if class_name:
        inner = next(c for c in inner.co_consts if isinstance(c, CodeType))
    return (constant for constant in inner.co_consts if isinstance(constant, CodeType))


def _located(node: Any, at: ast.AST) -> Any:
    """Gives `node` and what it holds the place of `at`, up to nodes that have a place, in which all have."""
    line, column, end_line, end_column = at.lineno, at.col_offset, at.end_lineno, at.end_col_offset  # type: ignore[attr-defined]
    pending = [node]
    while pending:
        inner = pending.pop()
        if inner._attributes:
            if hasattr(inner, "lineno"):
                continue
            inner.lineno, inner.col_offset, inner.end_lineno, inner.end_col_offset = (
                line,
                column,
                end_line,
                end_column,
            )
        for field in inner._fields:
            value = getattr(inner, field, None)
            if is_list(value):
                pending += [v for v in value if isinstance(v, ast.AST)]
            elif isinstance(value, ast.AST):
                pending.append(value)
    return node


def _placed(node: Any, at: ast.AST) -> Any:
    """Gives `node`, and all inside it that have no place, the place of `at`."""
    pending = [node]
    while pending:
        inner = pending.pop()
        if "lineno" in inner._attributes and not hasattr(inner, "lineno"):
            ast.copy_location(inner, at)
        pending.extend(ast.iter_child_nodes(inner))
    return node


def _location(root: Any) -> ast.AST:
    node: Any = root[0] if is_tuple(root) else root
    place: ast.AST = node.pattern if isinstance(node, ast.match_case) else node
    return place


def _body(root: Any, holes: dict[int, str]) -> list[ast.stmt]:
    """The statements of a function that evaluates the fragment `root`."""
    if isinstance(root, ast.match_case):
        return _pattern(root, holes)
    if isinstance(root, ast.AugAssign):
        target, value = holes[id(root.target)], holes[id(root.value)]
        update = ast.AugAssign(ast.Name(target, ast.Store()), root.op, _load(value))
        return [_located(update, root), ast.Return(_load(target))]
    if isinstance(root, ast.Assert):
        error: ast.expr = _load(".AssertionError")
        if root.msg is not None:
            error = ast.Call(error, [_substituted(root.msg, holes)], [])
        return [ast.Return(error)]
    return [ast.Return(_expression(root, holes))]


def _expression(root: Any, holes: dict[int, str]) -> ast.expr:
    if is_tuple(root):
        parent, position = root
        return _part(parent, position, holes)
    if isinstance(root, ast.ListComp):
        return ast.List([], ast.Load())
    if isinstance(root, ast.SetComp):
        return ast.Set([ast.Starred(ast.Constant(EMPTY_TUPLE), ast.Load())])
    if isinstance(root, ast.DictComp):
        return ast.Dict([], [])
    if isinstance(root, ast.Starred):
        return ast.List([_substituted(root, holes)], ast.Load())
    if isinstance(root, ast.keyword):
        return ast.Dict([None], [_substituted(root.value, holes)])
    if isinstance(root, ast.FormattedValue):
        return ast.copy_location(ast.JoinedStr([_substituted(root, holes)]), root)
    if _is_key(root):
        return ast.Subscript(_load(".keys"), _substituted(root, holes), ast.Load())
    whole: ast.expr = _substituted(root, holes)
    return whole


def _is_key(root: Any) -> bool:
    """Whether it can only be written as an index."""
    return isinstance(root, ast.Slice) or (isinstance(root, ast.Tuple) and any(map(_is_key, root.elts)))


def _constant_text(specification: ast.expr | None) -> str | None:
    """The text of a format specification; None for one that is computed."""
    if specification is None:
        return ""
    pieces = specification.values if isinstance(specification, ast.JoinedStr) else [specification]
    texts = [str(piece.value) for piece in pieces if isinstance(piece, ast.Constant)]
    return "".join(texts) if len(texts) == len(pieces) else None


def _hidden_operand(root: Any) -> dict[str, Any]:
    """What the compiled fragment uses besides its operands, whatever the user's names are bound to."""
    if isinstance(root, ast.Assert):
        return {".AssertionError": AssertionError}
    return {".keys": _KEYS} if _is_key(root) else {}


def _part(parent: Any, position: int | None, holes: dict[int, str]) -> ast.expr:
    """A part that has no node of its own: `**value` of a dict, one comparison of a chain, a condition's truth."""
    if position is None:
        return ast.IfExp(_substituted(parent, holes), ast.Constant(True), ast.Constant(False))
    if isinstance(parent, ast.Dict):
        return ast.Dict([None], [_substituted(parent.values[position], holes)])
    left = parent.comparators[position - 1] if position else parent.left
    right = parent.comparators[position]
    compare = ast.Compare(_substituted(left, holes), [parent.ops[position]], [_substituted(right, holes)])
    return ast.copy_location(compare, parent)


def _substituted(node: Any, holes: dict[int, str]) -> Any:
    """A copy of `node` with the holes in it replaced by their names; what holds none is shared."""
    name = holes.get(id(node))
    if name is not None:
        hole = ast.copy_location(_load(name), node)
        if isinstance(node, ast.Starred):
            return ast.copy_location(ast.Starred(hole, ast.Load()), node)
        if isinstance(node, ast.FormattedValue):
            return ast.copy_location(ast.FormattedValue(hole, -1, None), node)
        return hole
    if not holes:
        return node
    fields: dict[str, Any] = {}
    for field in node._fields:
        value = getattr(node, field)
        if is_list(value):
            fields[field] = [_substituted(v, holes) if isinstance(v, ast.AST) else v for v in value]
        else:
            fields[field] = _substituted(value, holes) if isinstance(value, ast.AST) else value
    made = type(node)(**fields)
    return ast.copy_location(made, node) if "lineno" in node._attributes else made


def _copied(node: Any) -> Any:
    return _substituted(node, {-1: ""})


def _pattern(case: ast.match_case, holes: dict[int, str]) -> list[ast.stmt]:
    names: list[str] = []
    _captures(case.pattern, names)
    found = ast.Tuple([ast.Constant(True), *map(_load, names)], ast.Load())
    inner = {key: name for key, name in holes.items() if name != ".0"}
    answer = ast.match_case(_substituted(case.pattern, inner), None, [ast.Return(found)])
    return [ast.Match(_load(".0"), [answer])]


def _captures(pattern: Any, names: list[str]) -> None:
    """Adds what the pattern binds, in the order in which lowering expects it."""
    for field in ("cls_patterns", "pattern", "patterns", "kwd_patterns"):
        inner = getattr(pattern, field, None)
        for each in inner if is_list(inner) else [inner]:
            if each is not None:
                _captures(each, names)
    name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
    if name is not None and name not in names:
        names.append(name)


def _annotation_names(node: Any) -> dict[str, ast.expr]:
    """The annotations of a definition, in the order in which Python evaluates them."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return {}
    a = node.args
    arguments = [*a.args, *a.posonlyargs, a.vararg, *a.kwonlyargs, a.kwarg]
    found = {x.arg: x.annotation for x in arguments if x is not None and x.annotation is not None}
    if node.returns is not None:
        found["return"] = node.returns
    return found


def _with_given(node: Any, name: str) -> Any:
    """The statement with what lowering has evaluated of it already replaced by a name."""
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp)):
        made = _substituted(node, {id(node.generators[0].iter): name})
        # A set that another one is added to may have its items in another order.
        return ast.copy_location(ast.Assign([ast.Name(".result", ast.Store())], made), node)
    given = node.iter if isinstance(node, ast.For) else node.test
    fields = {field: getattr(node, field) for field in node._fields}
    fields["iter" if isinstance(node, ast.For) else "test"] = ast.copy_location(_load(name), given)
    return ast.copy_location(type(node)(**fields), node)


def _first_parameter(arguments: ast.arguments) -> str:
    return [*arguments.posonlyargs, *arguments.args][0].arg


def _declared_globals(function: Any) -> list[str]:
    """What the function itself declares global."""
    found: list[str] = []
    pending = list(function.body) if isinstance(getattr(function, "body", None), list) else []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Global):
            found.extend(name for name in node.names if name not in found)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))
    return found


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)


class _SuperCalls(ast.NodeTransformer):
    """Spells out the arguments of `super()`, which it would take from the frame of the function."""

    def __init__(self, first_parameter: str) -> None:
        self._first_parameter = first_parameter

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "super"
            and not node.args
            and not node.keywords
        ):
            node.args = [ast.copy_location(_load(n), node) for n in ("__class__", self._first_parameter)]
        return node

    def visit(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, _SCOPES) else super().visit(node)
