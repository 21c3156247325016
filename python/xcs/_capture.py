"""From a function object to its source: the syntax tree it was compiled from, and what the tree alone does not say."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import linecache
import sys
import warnings
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from xcs._errors import UsageError
from xcs._generated import source_of
from xcs._narrowing import is_frozenset, is_tuple
from xcs._source import Candidate, FunctionNode, SourceFile, first_line

_FUTURES: int = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})
_FRAME_LOOKERS: frozenset[int] = frozenset(
    map(
        id,
        (
            builtins.breakpoint,
            builtins.eval,
            builtins.exec,
            builtins.globals,
            builtins.locals,
            inspect.currentframe,
            inspect.stack,
            sys._getframe,  # pyright: ignore[reportPrivateUsage] - there is no public name for it
            sys.setprofile,
            sys.settrace,
        ),
    )
)


class _Truth:
    asked = 0

    def __bool__(self) -> bool:
        self.asked += 1
        return False


def _asks_again() -> bool:
    """Whether an `or` whose operand is an `and` asks for a truth that the `and` has asked for.

    Python 3.12 does, and releases of 3.13 differ, so it is tried.
    """
    truth: Any = _Truth()
    _ = (truth and 1) or 2
    return bool(truth.asked > 1)


_ASKS_AGAIN = _asks_again()
EMPTY_TUPLE: Any = ()  # of the constants that compile, typeshed knows no tuple


@dataclass(frozen=True)
class Captured:
    """What a function was made from.

    Attributes:
        node: The function definition, lambda or generator expression, with positions of the real file.
        class_name: The class whose private names it uses, or "".
        source: The text of its lines, from `first_line` on.
        code: The function's code object.
        globals: The function's globals, the very dict.
        imported: Names that imports of its module bind.
    """

    node: FunctionNode
    class_name: str
    source: str
    first_line: int
    code: CodeType
    globals: dict[str, Any]
    imported: list[str]

    @property
    def qualname(self) -> str:
        return getattr(self.code, "co_qualname", self.code.co_name)

    @property
    def file(self) -> str:
        return self.code.co_filename

    @property
    def free_names(self) -> list[str]:
        return list(self.code.co_freevars)

    @property
    def frame_lookers(self) -> list[str]:
        """Global names that hold a function which looks at the frame it is called from, whatever they are."""
        known = vars(builtins)  # not its attributes: asking for some of them makes them
        held = {name: self.globals.get(name, known.get(name)) for name in self.code.co_names}
        return [name for name, value in held.items() if id(value) in _FRAME_LOOKERS]

    @property
    def generator(self) -> bool:
        return bool(self.code.co_flags & inspect.CO_GENERATOR)

    @property
    def debug(self) -> bool:
        return __debug__

    @property
    def asks_again(self) -> bool:
        return _ASKS_AGAIN

    @property
    def future_annotations(self) -> bool:
        return bool(self.code.co_flags & __future__.annotations.compiler_flag)


_files: dict[str, SourceFile] = {}


def capture(function: object) -> Captured:
    """Finds the source of a function.

    Raises:
        UsageError: The source is not available, or is not what the function was compiled from.
    """
    if not isinstance(function, FunctionType):
        raise UsageError(f"{function!r} is not a Python function, so it has no source to read")
    return capture_code(function.__code__, function.__globals__)


def capture_code(code: CodeType, globals: dict[str, Any]) -> Captured:
    """As `capture`, for a code object that is run with `globals`."""
    file = _file_of(code, globals)
    named = False
    try:
        for candidates in file.candidates(code):
            matching = [c for c in candidates if _name_of(c.node) == code.co_name]
            named = named or bool(matching)
            for imported in file.imported(code, globals) if matching else ():
                found = [c for c in matching if _made_from(code, c, imported)]
                if found:
                    return _captured(code, globals, file, _placed(code, found, imported), imported)
    except SyntaxError as error:
        raise _unavailable(code, f"its file does not parse ({error.msg}, line {error.lineno})") from error
    if not named:
        raise _unavailable(code, f"there is no function on line {code.co_firstlineno} of its file")
    raise _unavailable(code, "its file has changed since it was loaded, or the function was rewritten")


def _captured(
    code: CodeType,
    globals: dict[str, Any],
    file: SourceFile,
    chosen: Candidate,
    imported: list[str] | None,
) -> Captured:
    first, last = chosen.node.lineno, chosen.node.end_lineno
    source = "".join(file.lines[first - 1 : last])
    return Captured(chosen.node, chosen.class_name, source, first, code, globals, imported or [])


def _unavailable(code: CodeType, why: str) -> UsageError:
    return UsageError(
        f"the source of {code.co_name} ({code.co_filename}:{code.co_firstlineno}) is not available: {why}"
    )


def _file_of(code: CodeType, globals: dict[str, Any]) -> SourceFile:
    lines = linecache.getlines(code.co_filename, globals) or _generated(code)
    if not lines:
        raise _unavailable(code, "its file cannot be read; define it in a file or a notebook cell")
    known = _files.get(code.co_filename)
    if known is None or not (known.lines is lines or known.lines == lines):
        known = _files[code.co_filename] = SourceFile(code.co_filename, lines)
    return known


def _generated(code: CodeType) -> list[str]:
    text = source_of(code)
    return [] if text is None else text.splitlines(keepends=True)


def _name_of(node: Any) -> str:
    if isinstance(node, ast.Lambda):
        return "<lambda>"
    return "<genexpr>" if isinstance(node, ast.GeneratorExp) else node.name


def _made_from(code: CodeType, candidate: Candidate, imported: list[str] | None) -> bool:
    # pytest rewrites assert statements before it compiles; its names begin with @py.
    if any(name.startswith("@py") for name in code.co_names + code.co_varnames):
        return True
    return _same(_recompiled(code, candidate, imported), code)


def _recompiled(code: CodeType, candidate: Candidate, imported: list[str] | None) -> CodeType:
    return compile_nested(candidate.node, candidate.class_name, code.co_freevars, code, imported=imported)


def _same(one: CodeType, other: CodeType) -> bool:
    if (one.co_code, one.co_names, one.co_varnames) != (other.co_code, other.co_names, other.co_varnames):
        return False
    if (one.co_freevars, one.co_cellvars) != (other.co_freevars, other.co_cellvars):
        return False
    if len(one.co_consts) != len(other.co_consts):
        return False
    return all(_same_constant(a, b) for a, b in zip(one.co_consts, other.co_consts, strict=True))


def _same_constant(one: object, other: object) -> bool:
    if isinstance(one, CodeType):
        return isinstance(other, CodeType) and _same(one, other)
    if isinstance(one, str) and isinstance(other, str) and "<locals>" in one:
        return one.rpartition(".")[2] == other.rpartition(".")[2]  # the qualified name of a nested function
    if is_frozenset(one) and is_frozenset(other):
        return sorted(map(repr, one)) == sorted(map(repr, other))
    if is_tuple(one) and is_tuple(other):
        return len(one) == len(other) and all(map(_same_constant, one, other))
    return type(one) is type(other) and repr(one) == repr(other)  # repr tells 0.0 from -0.0


def _placed(code: CodeType, found: list[Candidate], imported: list[str] | None) -> Candidate:
    """The one whose instructions stand at the code's columns; lambdas may share a line."""
    if len(found) > 1 and sys.version_info >= (3, 11):
        wanted = list(code.co_positions())
        for candidate in found:
            if list(_recompiled(code, candidate, imported).co_positions()) == wanted:
                return candidate
    return found[0]


def compile_nested(
    node: Any,
    class_name: str,
    free_names: tuple[str, ...] | list[str],
    like: CodeType,
    *,
    imported: list[str] | None = None,
) -> CodeType:
    """The code of one function, compiled by itself with the file and the `__future__` features of `like`.

    Args:
        node: A function definition, lambda or generator expression. Its decorators, defaults and annotations
            have no part in its code.
        class_name: The class it stands in, or "".
        free_names: Variables that it takes from functions around it.
        like: Code of the same file.
        imported: Names that imports of its module bind.
    """
    module = enclosed([bare(node)], class_name, free_names)
    if imported:
        names = ast.Import([ast.copy_location(ast.alias(name), node) for name in imported])
        module.body.insert(0, ast.copy_location(names, module.body[0]))
    return find_code(compile_quietly(module, like), _name_of(node), first_line(node))


def compile_quietly(module: ast.Module, like: CodeType) -> CodeType:
    """Compiles a part of the file of `like` with its `__future__` features; the whole file has been warned about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code: CodeType = compile(module, like.co_filename, "exec", flags=futures_of(like), dont_inherit=True)
        return code


def requalified(code: CodeType, class_name: str, qualname: str) -> CodeType:
    """The code with the qualified name `qualname`, and with what is defined inside it named accordingly.

    Args:
        code: What `find_code` found in a module made by `enclosed`.
        class_name: The class it was enclosed in.
        qualname: Its real qualified name.
    """
    if sys.version_info >= (3, 11):
        return _with_prefix(code, code.co_qualname, qualname)
    name = f"{class_name}.{code.co_name}" if class_name else code.co_name
    for old in (f".enclosing.<locals>.{name}", name):
        if any(isinstance(c, str) and c.startswith(f"{old}.<locals>.") for c in code.co_consts):
            return _with_prefix(code, old, qualname)
    return code


def _with_prefix(code: CodeType, old: str, new: str) -> CodeType:
    def renamed(name: str) -> str:
        return new + name[len(old) :] if name.startswith(old) else name

    def constant(value: Any) -> Any:
        if isinstance(value, CodeType):
            return _with_prefix(value, old, new)
        if sys.version_info >= (3, 11):  # only a class body holds a qualified name: its own
            is_own = not code.co_flags & inspect.CO_OPTIMIZED and value == code.co_qualname
            return renamed(value) if is_own else value
        return renamed(value) if isinstance(value, str) and value.startswith(f"{old}.<locals>.") else value

    constants = tuple(map(constant, code.co_consts))
    if sys.version_info >= (3, 11):
        return code.replace(co_consts=constants, co_qualname=renamed(code.co_qualname))
    return code.replace(co_consts=constants)


def futures_of(code: CodeType) -> int:
    """The flags that make `compile` use the `__future__` features that `code` was compiled with."""
    return code.co_flags & _FUTURES


def bare(node: Any) -> ast.stmt:
    """A statement that makes the function `node` and evaluates nothing else of the user's."""
    if isinstance(node, ast.Lambda):
        lambda_ = ast.Lambda(_bare_arguments(node.args), node.body)
        return ast.copy_location(ast.Expr(ast.copy_location(lambda_, node)), node)
    if isinstance(node, ast.GeneratorExp):
        first = node.generators[0]
        outside = ast.copy_location(ast.Constant(EMPTY_TUPLE), first.iter)
        inside = ast.comprehension(first.target, outside, first.ifs, first.is_async)
        generator = ast.copy_location(ast.GeneratorExp(node.elt, [inside, *node.generators[1:]]), node)
        return ast.copy_location(ast.Expr(generator), node)
    fields = {name: getattr(node, name) for name in node._fields}
    fields["args"] = _bare_arguments(node.args)
    # The first line of the code is the first decorator's.
    fields["decorator_list"] = [
        ast.copy_location(ast.Constant(None), decorator) for decorator in node.decorator_list
    ]
    fields["returns"] = None
    definition: ast.stmt = type(node)(**fields)
    return ast.copy_location(definition, node)


def _bare_arguments(arguments: ast.arguments) -> ast.arguments:
    def plain(argument: ast.arg) -> ast.arg:
        if argument.annotation is None:
            return argument
        return ast.copy_location(ast.arg(argument.arg, None), argument)

    def constant(default: Any) -> Any:
        return None if default is None else ast.copy_location(ast.Constant(None), default)

    return ast.arguments(
        posonlyargs=[plain(a) for a in arguments.posonlyargs],
        args=[plain(a) for a in arguments.args],
        vararg=arguments.vararg and plain(arguments.vararg),
        kwonlyargs=[plain(a) for a in arguments.kwonlyargs],
        kw_defaults=[constant(d) for d in arguments.kw_defaults],
        kwarg=arguments.kwarg and plain(arguments.kwarg),
        defaults=[constant(d) for d in arguments.defaults],
    )


def enclosed(statements: list[ast.stmt], class_name: str, cells: tuple[str, ...] | list[str]) -> ast.Module:
    """A module in which the statements find `cells` as variables of a function around them, inside the class."""
    at = statements[0]
    body: list[ast.stmt] = list(statements)
    if class_name:
        # A class body may not hold every comprehension that a function may.
        if isinstance(at, ast.Expr):
            body = [_plain_definition(".inside", body)]
        body = [ast.ClassDef(name=class_name, bases=[], keywords=[], body=body, decorator_list=[])]
    names = [name for name in cells if name != "__class__" or not class_name]
    targets: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
    if targets:
        body.insert(0, ast.Assign(targets=targets, value=ast.Constant(None)))
    defined = class_name or getattr(at, "name", None)
    if defined and defined not in cells:  # what is wrapped may use a global of that name
        body.insert(0, ast.Global([defined]))
    outer = _plain_definition(".enclosing", body)
    for node in body:
        if isinstance(node, ast.ClassDef) and sys.version_info >= (3, 12):
            node.type_params = []
    module = ast.Module(body=[outer], type_ignores=[])
    _locate(outer, statements)
    return module


def _plain_definition(name: str, body: list[ast.stmt]) -> ast.FunctionDef:
    arguments = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    definition = ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[], returns=None)
    if sys.version_info >= (3, 12):
        definition.type_params = []
    return definition


def _locate(outer: ast.AST, statements: list[ast.stmt]) -> None:
    """Gives the wrapping nodes the place of the first of the statements they wrap."""
    wrapped = set(map(id, statements))
    pending: list[ast.AST] = [outer]
    while pending:
        node = pending.pop()
        if id(node) in wrapped:
            continue
        if "lineno" in node._attributes:
            ast.copy_location(node, statements[0])
        pending.extend(ast.iter_child_nodes(node))


def find_code(code: CodeType, name: str, first_line: int | None = None) -> CodeType:
    """The innermost-first search for the code object `name` inside `code`.

    Raises:
        LookupError: There is none.
    """
    for constant in code.co_consts:
        if not isinstance(constant, CodeType):
            continue
        is_function = constant.co_flags & inspect.CO_OPTIMIZED  # and not the class of the same name
        if is_function and constant.co_name == name and first_line in (None, constant.co_firstlineno):
            return constant
        try:
            return find_code(constant, name, first_line)
        except LookupError:
            continue
    raise LookupError(f"no code named {name} in {code.co_name}")
