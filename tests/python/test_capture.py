"""capture() finds the very source of a function, or says why it cannot."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from xcs._capture import capture, capture_code
from xcs._errors import UsageError, XcsError


def decorate(f: Any) -> Any:
    return f


def decorate_with(decorator: Callable[[Any], Any]) -> Any:
    return decorator


pair = (lambda x: x + 1), (lambda x: x + 1)
different = [lambda x: x + 1, lambda x: x + 2, lambda x: lambda: x]


@decorate
@functools.partial(decorate)
def decorated(x: int) -> int:
    return x


class Outer:
    class Inner:
        def method(self) -> Any:
            return self.__hidden

    @staticmethod
    def static() -> int:
        return 1

    @property
    def prop(self) -> int:
        return 2


def test_function_is_found_by_its_place() -> None:
    captured = capture(decorated)
    assert isinstance(captured.node, ast.FunctionDef)
    assert captured.node.name == "decorated"
    assert captured.node.lineno == decorated.__code__.co_firstlineno + 2
    assert captured.source.startswith("def decorated(x: int)")
    assert captured.globals is globals()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="code has no columns")
def test_equal_lambdas_of_one_line_are_told_apart_by_column() -> None:
    columns = [capture(f).node.col_offset for f in pair]
    assert columns[0] < columns[1]


@pytest.mark.parametrize(("index", "text"), [(0, "x + 1"), (1, "x + 2"), (2, "lambda: x")])
def test_lambdas_of_one_line_are_told_apart_by_their_code(index: int, text: str) -> None:
    assert ast.unparse(capture(different[index]).node.body) == text


def test_lambda_inside_a_lambda_is_found() -> None:
    inner = different[2](1)
    captured = capture(inner)
    assert ast.unparse(captured.node) == "lambda: x"
    assert captured.free_names == ["x"]


def test_method_knows_the_class_of_its_private_names() -> None:
    assert capture(Outer.Inner.method).class_name == "Inner"
    assert capture(Outer.static).class_name == "Outer"
    assert capture(Outer.prop.fget).class_name == "Outer"


def test_closure_knows_its_free_variables() -> None:
    here = 1

    def closure() -> int:
        return here

    assert capture(closure).free_names == ["here"]


def made_at(path: Path, text: str) -> Callable[..., Any]:
    path.write_text(text)
    namespace: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), namespace)
    return namespace["f"]


def test_source_that_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changing.py"
    function = made_at(path, "def f():\n    return 1\n")
    assert ast.unparse(capture(function).node.body[0]) == "return 1"
    path.write_text("def f():\n    return 2\n")
    linecache.clearcache()
    with pytest.raises(UsageError, match="its file has changed since it was loaded"):
        capture(function)


HARD_TO_DELIMIT = """
class Around:
    @decorate(
        lambda f: f,
    )
    def method(
        self,
    ) -> str:
        text = '''
not indented
    def nor_this(): pass
'''
        lines = [
    1,
  ]
# a comment
        return text + str(lines) + str(self.__hidden) + str(lambda: self.__hidden)

    after = 1
""".lstrip()


def test_definition_is_found_whatever_else_its_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "delimited.py"
    namespace: dict[str, Any] = {"decorate": decorate_with}
    path.write_text(HARD_TO_DELIMIT + "]) no Python\n")
    exec(compile(HARD_TO_DELIMIT, str(path), "exec"), namespace)
    method = namespace["Around"].method
    captured = capture(method)
    assert captured.class_name == "Around"
    assert captured.node.end_lineno == HARD_TO_DELIMIT.splitlines().index("    after = 1") - 1
    assert captured.source.rstrip().endswith("str(lambda: self.__hidden)")
    inner = next(c for c in method.__code__.co_consts if isinstance(c, CodeType))
    assert ast.unparse(capture_code(inner, namespace).node) == "lambda: self.__hidden"


def test_function_without_a_file_is_refused() -> None:
    namespace: dict[str, Any] = {}
    exec("def f():\n    return 1", namespace)
    with pytest.raises(
        UsageError, match=r"the source of f \(<string>:1\) is not available: its file cannot be read"
    ):
        capture(namespace["f"])


def test_module_level_imports_do_not_hide_a_function(tmp_path: Path) -> None:
    text = "import json\ndef f():\n    return json.dumps([json.loads('1')])\n"
    assert capture(made_at(tmp_path / "imports.py", text)).code.co_name == "f"


def test_object_that_is_no_function_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a Python function"):
        capture(len)  # type: ignore[arg-type]
    assert issubclass(UsageError, XcsError)
