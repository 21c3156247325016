"""Rewrites a test module so that many of its literals are answers of independent calls.

Every function is decorated with `__jit__`, and literals that a hash of their place chooses become `__late__(literal)`.
Run with plain functions in place of the two, the module is an ordinary test module; that run is the oracle.
"""

from __future__ import annotations

import ast
import zlib
from typing import Any

_LATE_IN_256 = 64


class Late(ast.NodeTransformer):
    """Makes literals of function bodies late.

    Args:
        seed: Chooses which ones.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: Any) -> Any:
        self._depth += 1
        first = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body[first:] = [self.visit(statement) for statement in node.body[first:]]
        self._depth -= 1
        node.decorator_list.append(ast.Name("__jit__", ast.Load()))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        place = f"{self._seed}:{node.lineno}:{node.col_offset}".encode()
        if self._depth == 0 or zlib.crc32(place) % 256 >= _LATE_IN_256 or node.value is Ellipsis:
            return node
        return ast.Call(ast.Name("__late__", ast.Load()), [node], [])

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                value.value = self.visit(value.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        if node.guard is not None:
            node.guard = self.visit(node.guard)
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return node if isinstance(node.value, ast.Constant) else self.generic_visit(node)


def late(source: str, seed: int) -> str:
    """The module's source, rewritten."""
    tree = Late(seed).visit(ast.parse(source))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
