"""Fragments as the single operators in them, for operands whose classes have code of their own for these."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType
from typing import Any, NamedTuple

from xcs import _prelude
from xcs._capture import Captured

# The method that each operator calls on its left operand, and the one of the right operand; of a unary one, its own.
_BINARY: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "add"),
    ast.Sub: ("-", "sub"),
    ast.Mult: ("*", "mul"),
    ast.MatMult: ("@", "matmul"),
    ast.Div: ("/", "truediv"),
    ast.FloorDiv: ("//", "floordiv"),
    ast.Mod: ("%", "mod"),
    ast.Pow: ("** or pow()", "pow"),  # as errors name it
    ast.LShift: ("<<", "lshift"),
    ast.RShift: (">>", "rshift"),
    ast.BitAnd: ("&", "and"),
    ast.BitOr: ("|", "or"),
    ast.BitXor: ("^", "xor"),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str, str]] = {
    ast.Lt: ("<", "__lt__", "__gt__"),
    ast.LtE: ("<=", "__le__", "__ge__"),
    ast.Gt: (">", "__gt__", "__lt__"),
    ast.GtE: (">=", "__ge__", "__le__"),
    ast.Eq: ("==", "__eq__", "__eq__"),
    ast.NotEq: ("!=", "__ne__", "__ne__"),
}
_UNARY: dict[type[ast.unaryop], tuple[str, str]] = {
    ast.USub: ("-", "__neg__"),
    ast.UAdd: ("+", "__pos__"),
    ast.Invert: ("~", "__invert__"),
}


class Side(NamedTuple):
    """An operand of an operator: an operand of the fragment by its index, or else a constant."""

    operand: int | None
    constant: Any = None


class Operation(NamedTuple):
    """One operator.

    Attributes:
        kind: "unary", "binary", "compare" or "inplace".
        symbol: As it is written.
        methods: What its operands' classes are asked for: the left one's method, and of a binary one the right one's;
            before these, of one in place, the one that changes the left operand.
        sides: Its operands, from left to right.
    """

    kind: str
    symbol: str
    methods: tuple[str, ...]
    sides: tuple[Side, ...]


class Several(NamedTuple):
    """Several operators: a function of the fragment's operands that does them one by one, and their methods' names."""

    captured: Captured
    methods: tuple[str, ...]


def split(root: ast.AST, operands: list[str]) -> Operation | Several | None:
    """What the fragment does with its operands, which are names in its syntax; None when it is not only operators."""
    if isinstance(root, ast.AugAssign):
        return _single(root, operands)
    assert isinstance(root, ast.expr)
    single = _single(root, operands)
    if single is not None:
        return single
    steps = _Steps(operands)
    try:
        result = steps.value(root)
    except _OtherError:
        return None
    return Several(steps.captured(result), tuple(sorted(_methods_in(root))))


def of_functions() -> dict[Callable[..., Any], Operation]:
    """The functions of `operator` that do one operator with two operands."""
    sides = (Side(0), Side(1))
    found = {
        getattr(operator, _function_name(name)): Operation("binary", symbol, _names(name), sides)
        for symbol, name in _BINARY.values()
    }
    for symbol, method, reflected in _COMPARISONS.values():
        found[getattr(operator, method)] = Operation("compare", symbol, (method, reflected), sides)
    return found


def _function_name(name: str) -> str:
    return f"__{name}__"


def _names(name: str) -> tuple[str, str]:
    return f"__{name}__", f"__r{name}__"


def _single(root: ast.AST, operands: list[str]) -> Operation | None:
    """The operation, when the fragment is one on operands and constants."""
    if isinstance(root, ast.AugAssign):
        symbol, name = _BINARY[type(root.op)]
        sides = (Side(0), Side(1))
        return Operation("inplace", f"{symbol.split()[0]}=", (f"__i{name}__", *_names(name)), sides)
    parts: list[ast.expr]
    if isinstance(root, ast.BinOp):
        symbol, name = _BINARY[type(root.op)]
        kind, methods, parts = "binary", _names(name), [root.left, root.right]
    elif isinstance(root, ast.Compare) and len(root.ops) == 1 and type(root.ops[0]) in _COMPARISONS:
        symbol, *both = _COMPARISONS[type(root.ops[0])]
        kind, methods, parts = "compare", (both[0], both[1]), [root.left, root.comparators[0]]
    elif isinstance(root, ast.UnaryOp) and type(root.op) in _UNARY:
        symbol, own = _UNARY[type(root.op)]
        return (
            Operation("unary", symbol, (own,), (Side(operands.index(root.operand.id)),))
            if isinstance(root.operand, ast.Name)
            else None
        )
    else:
        return None
    found: list[Side] = []
    for part in parts:
        if isinstance(part, ast.Name):
            found.append(Side(operands.index(part.id)))
        elif isinstance(part, ast.Constant):
            found.append(Side(None, part.value))
        else:
            return None
    return Operation(kind, symbol, methods, tuple(found))


def _methods_in(root: ast.AST) -> Iterator[str]:
    for node in ast.walk(root):
        if isinstance(node, ast.BinOp):
            yield from _names(_BINARY[type(node.op)][1])
        elif isinstance(node, ast.Compare):
            for op in node.ops:
                yield from _COMPARISONS.get(type(op), ("", "", ""))[1:]
        elif isinstance(node, ast.UnaryOp):
            yield _UNARY.get(type(node.op), ("", "__bool__"))[1]
        elif isinstance(node, (ast.BoolOp, ast.IfExp)):
            yield "__bool__"


class _OtherError(Exception):
    """Something else than an operator."""


class _Steps:
    """Collects statements that do one operator each."""

    def __init__(self, operands: list[str]) -> None:
        self._operands = operands
        self._body: list[ast.stmt] = []
        self._made = 0

    def captured(self, result: ast.expr) -> Captured:
        """The function of the operands that the collected statements are the body of."""
        arguments = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(self._parameter(i)) for i in range(len(self._operands))],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        definition = ast.FunctionDef(
            name="operated", args=arguments, body=[*self._body, ast.Return(result)], decorator_list=[]
        )
        if "type_params" in ast.FunctionDef._fields:
            definition.type_params = []  # type: ignore[attr-defined, unused-ignore]
        source = ast.unparse(ast.fix_missing_locations(ast.Module([definition], [])))
        module = ast.parse(source)
        code = compile(module, _prelude.__file__, "exec", dont_inherit=True)
        inner = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
        function = module.body[0]
        assert isinstance(function, ast.FunctionDef)
        return Captured(function, "", source, 1, inner, _prelude.__dict__, [])

    def value(self, node: ast.expr) -> ast.expr:
        """A name or constant that has the value of the expression once the statements so far are done."""
        if isinstance(node, ast.Constant):
            return node
        if isinstance(node, ast.Name):
            return ast.Name(self._parameter(self._operands.index(node.id)), ast.Load())
        if isinstance(node, ast.BinOp):
            return self._assign(ast.BinOp(self.value(node.left), node.op, self.value(node.right)))
        if isinstance(node, ast.UnaryOp):
            return self._assign(ast.UnaryOp(node.op, self.value(node.operand)))
        if isinstance(node, ast.BoolOp):
            return self._chosen(node.op, [partial(self.value, part) for part in node.values])
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.IfExp):
            return self._conditional(node)
        if isinstance(node, (ast.List, ast.Tuple)):
            return self._assign(type(node)([self.value(element) for element in node.elts], ast.Load()))
        raise _OtherError

    def _compared(self, node: ast.Compare) -> ast.expr:
        left = self.value(node.left)

        def compare(op: ast.cmpop, right: ast.expr) -> ast.expr:
            nonlocal left
            before, left = left, self.value(right)
            return self._assign(ast.Compare(before, [op], [left]))

        pairs = zip(node.ops, node.comparators, strict=True)
        return self._chosen(ast.And(), [partial(compare, op, right) for op, right in pairs])

    def _chosen(self, op: ast.boolop, parts: list[Callable[[], ast.expr]]) -> ast.expr:
        """The first of the parts whose truth decides, or the last; each is asked for where it is needed."""
        if len(parts) == 1:
            return parts[0]()
        name = self._name()
        self._store(name, parts[0]())
        test: ast.expr = ast.Name(name, ast.Load())
        if isinstance(op, ast.Or):
            test = ast.UnaryOp(ast.Not(), test)
        rest = self._within(name, lambda: self._chosen(op, parts[1:]))
        self._body.append(ast.If(test, rest, []))
        return ast.Name(name, ast.Load())

    def _conditional(self, node: ast.IfExp) -> ast.expr:
        name = self._name()
        test = self.value(node.test)
        yes = self._within(name, lambda: self.value(node.body))
        no = self._within(name, lambda: self.value(node.orelse))
        self._body.append(ast.If(test, yes, no))
        return ast.Name(name, ast.Load())

    def _within(self, name: str, value: Callable[[], ast.expr]) -> list[ast.stmt]:
        """The statements that give the name the value."""
        outer, self._body = self._body, []
        self._store(name, value())
        inner, self._body = self._body, outer
        return inner

    def _assign(self, value: ast.expr) -> ast.expr:
        name = self._name()
        self._store(name, value)
        return ast.Name(name, ast.Load())

    def _store(self, name: str, value: ast.expr) -> None:
        self._body.append(ast.Assign([ast.Name(name, ast.Store())], value))

    def _name(self) -> str:
        self._made += 1
        return f"_xcs_step_{self._made}"

    @staticmethod
    def _parameter(index: int) -> str:
        return f"_xcs_operand_{index}"
