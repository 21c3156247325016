"""The source of the `__init__` that dataclasses generate, which exists as text only while the class is made."""

from __future__ import annotations

import dis
import keyword
from collections.abc import Iterator
from types import CodeType

from xcs._narrowing import is_tuple

GENERATED_FILE = "<string>"
# What two code objects that do the same have in common.
_ALIKE = (
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_firstlineno",
)


def source_of(code: CodeType) -> str | None:
    """The text that compiles to the generated `__init__` of a dataclass: a module with the function in another one.

    It is told from the code object, whatever the version of Python, and believed only if compiling it gives that very
    code.

    Returns:
        None for any other function.
    """
    if code.co_filename != GENERATED_FILE or code.co_name != "__init__" or code.co_firstlineno < 2:
        return None
    if not all(_is_name(name) for name in (*code.co_varnames, *code.co_freevars)):
        return None
    try:
        body = list(_body(code))
    except (_NotGeneratedError, IndexError):
        return None
    lines = [f"def __create_fn__({', '.join(code.co_freevars)}):", *[""] * (code.co_firstlineno - 2)]
    lines.append(f" def __init__({_parameters(code)}):")
    lines.extend(f"  {line}" for line in body)
    lines.append(" return __init__")
    text = "\n".join(lines) + "\n"
    return text if _compiles_to(text, code) else None


class _NotGeneratedError(Exception):
    """The code is not what dataclasses generate."""


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _parameters(code: CodeType) -> str:
    positional = list(code.co_varnames[: code.co_argcount])
    if code.co_posonlyargcount:
        positional.insert(code.co_posonlyargcount, "/")
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return ", ".join([*positional, *(["*", *named] if named else [])])


def _lines(code: CodeType) -> Iterator[list[dis.Instruction]]:
    """The instructions of the function's body, line by line."""
    current, lines = -1, dict[int, list[dis.Instruction]]()
    starts = {start: line for start, _, line in code.co_lines() if line is not None}
    for instruction in dis.get_instructions(code):
        current = starts.get(instruction.offset, current)
        if current > code.co_firstlineno:
            lines.setdefault(current, []).append(instruction)
    if sorted(lines) != list(range(code.co_firstlineno + 1, code.co_firstlineno + 1 + len(lines))):
        raise _NotGeneratedError
    return iter(lines[line] for line in sorted(lines))


def _names(instruction: dis.Instruction) -> list[str]:
    argument = instruction.argval
    return [a for a in (argument if is_tuple(argument) else (argument,)) if isinstance(a, str)]


def _body(code: CodeType) -> Iterator[str]:
    this = code.co_varnames[0]
    for line in _lines(code):
        names = [name for instruction in line for name in _names(instruction)]
        calls = sum(
            instruction.opname == "CALL" or instruction.opname.startswith("CALL_FUNCTION")
            for instruction in line
        )
        calls += sum(instruction.opname == "CALL_METHOD" for instruction in line)
        free = [name for name in names if name in code.co_freevars]
        if "__post_init__" in names:
            given = names[names.index("__post_init__") + 1 :]
            yield f"{this}.__post_init__({', '.join(name for name in given if name in code.co_varnames)})"
        elif "__setattr__" in names:
            field = next(i.argval for i in line if i.opname == "LOAD_CONST" and isinstance(i.argval, str))
            value = _value(field, [name for name in free if name != free[0]], code, calls > 1)
            yield f"{free[0]}.__setattr__({this}, {field!r}, {value})"
        elif any(instruction.opname == "STORE_ATTR" for instruction in line):
            field = next(i.argval for i in line if i.opname == "STORE_ATTR")
            yield f"{this}.{field} = {_value(field, free, code, calls > 0)}"
        else:
            yield "pass"


def _value(field: str, free: list[str], code: CodeType, called: bool) -> str:
    """What a field is set to: its argument, its default, or what its factory makes when there is no argument."""
    marker = [name for name in free if "HAS_DEFAULT_FACTORY" in name]
    default = [name for name in free if name not in marker]
    if marker:
        return f"{default[0]}() if {field} is {marker[0]} else {field}"
    if default:
        return f"{default[0]}()" if called else default[0]
    if field not in code.co_varnames:
        raise _NotGeneratedError
    return field


def _compiles_to(text: str, code: CodeType) -> bool:
    try:
        module = compile(text, GENERATED_FILE, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    around = next(c for c in module.co_consts if isinstance(c, CodeType))
    made = next(c for c in around.co_consts if isinstance(c, CodeType))
    return all(getattr(made, name) == getattr(code, name) for name in _ALIKE) and list(
        made.co_lines()
    ) == list(code.co_lines())
