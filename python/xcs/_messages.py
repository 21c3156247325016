"""What calls say besides text, in the form that the compiled part reads: messages, tools, and results with a shape."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeGuard, Union

from xcs._errors import LLMAnswerError, UsageError
from xcs._narrowing import is_dict, is_list, is_mapping

# --- Messages ------------------------------------------------------------------------------------------------------

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def message_json(message: Mapping[str, Any]) -> str:
    """A message whose content is more than text."""
    given = dict(message)
    content = given.get("content")
    if _is_list_of_parts(content):
        given["content"] = [_part(part) for part in content]
    if given.get("tool_calls"):
        given["tool_calls"] = [_call(call) for call in given["tool_calls"]]
    return _json("messages", given)


def _is_list_of_parts(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, bytes):
        return _image(part, None)
    if is_mapping(part) and isinstance(part.get("data"), bytes):
        return _image(part["data"], part.get("media_type"))
    return part


def _image(data: bytes, media_type: str | None) -> dict[str, str]:
    known = [name for start, name in _SIGNATURES if data.startswith(start)]
    if media_type is None and not known:
        raise UsageError("the bytes in a message are no PNG, JPEG, GIF or WebP image: give media_type")
    return {
        "type": "image",
        "media_type": media_type or known[0],
        "data": base64.b64encode(data).decode("ascii"),
    }


def _call(call: Any) -> Any:
    return dataclasses.asdict(call) if dataclasses.is_dataclass(call) and not isinstance(call, type) else call


def _json(what: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        raise UsageError(f"{what} must be data that JSON can hold, not {value!r}") from None


# --- Tools ---------------------------------------------------------------------------------------------------------


def tools_json(tools: Any) -> str:
    """A list of tools: functions, whose signature and docstring describe them, or dicts."""
    if isinstance(tools, Mapping) or not _is_list_of_parts(tools):
        raise UsageError(f"tools must be a list of functions and dicts, not {tools!r}")
    return _json("tools", [tool if is_mapping(tool) else _tool(tool) for tool in tools])


def _tool(function: Any) -> dict[str, Any]:
    if not callable(function):
        raise UsageError(f"a tool must be a function or a dict, not {function!r}")
    plain: Callable[..., Any] = inspect.unwrap(function)
    hints = typing.get_type_hints(plain)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in inspect.signature(plain).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UsageError(f"the tool {plain.__name__} takes *{name}, which no model can call")
        properties[name] = _schema(hints.get(name, Any))
        if parameter.default is parameter.empty:
            required.append(name)
    return {
        "name": plain.__name__,
        "description": inspect.getdoc(plain) or "",
        "parameters": {"type": "object", "properties": properties, "required": required},
    }


# --- Schemas of Python types -----------------------------------------------------------------------------------------

_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def schema_json(type_: Any) -> str:
    """The JSON schema of a pydantic model or a dataclass."""
    if hasattr(type_, "model_json_schema"):
        schema = type_.model_json_schema()
        _close(schema)
        return _json("the schema of response_format", schema)
    if not dataclasses.is_dataclass(type_):
        raise UsageError(f"response_format must be a pydantic model, a dataclass or a dict, not {type_!r}")
    return _json("the schema of response_format", _schema(type_))


def _close(schema: Any) -> None:
    """Objects have exactly the properties that they name: providers accept no other schema as strict."""
    if is_dict(schema):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
            schema["required"] = list(schema["properties"])
        for value in schema.values():
            _close(value)
    elif is_list(schema):
        for value in schema:
            _close(value)


def _schema(type_: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if type_ is Any:
        return {}
    if type_ in _PLAIN:
        return {"type": _PLAIN[type_]}
    if hasattr(type_, "model_json_schema"):
        schema: dict[str, Any] = type_.model_json_schema()
        _close(schema)
        return schema
    if dataclasses.is_dataclass(type_) and isinstance(type_, type):
        hints = typing.get_type_hints(type_)
        names = [field.name for field in dataclasses.fields(type_)]
        return {
            "type": "object",
            "properties": {name: _schema(hints[name]) for name in names},
            "required": names,
            "additionalProperties": False,
        }
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(argument) for argument in arguments]}
    if origin in (list, Sequence) or type_ is list:
        return {"type": "array", "items": _schema(arguments[0])} if arguments else {"type": "array"}
    if origin is dict or type_ is dict:
        return {"type": "object"}
    raise UsageError(
        f"{type_!r} has no JSON schema here: use str, int, float, bool, None, list, dict, Literal, Optional, "
        f"a dataclass or a pydantic model"
    )


# --- Results ---------------------------------------------------------------------------------------------------------


_MOST_SHOWN = 1000  # characters of what is wrong with an answer, which may hold all of it


def to_result(text: str, type_: Any) -> Any:
    """The object that an answer's text describes.

    Raises:
        LLMAnswerError: The text is not of that type.
    """
    try:
        if hasattr(type_, "model_validate_json"):
            return type_.model_validate_json(text)
        return _build(type_, json.loads(text), type_.__name__)
    except (ValueError, RecursionError) as error:
        why = str(error)
        shown = why if len(why) <= _MOST_SHOWN else why[:_MOST_SHOWN] + "..."
        raise LLMAnswerError(
            f"the answer is no {type_.__name__}: {shown}", code="llm.result", status=200
        ) from None


def with_result(answer: Any, type_: Any) -> Any:
    """A whole answer with the object that its text describes."""
    return dataclasses.replace(answer, parsed=to_result(answer.text, type_))


def _build(type_: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if type_ is Any:
        return value
    if hasattr(type_, "model_validate"):
        return type_.model_validate(value)
    if dataclasses.is_dataclass(type_) and isinstance(type_, type):
        return _build_dataclass(type_, value, where)
    if origin is Literal:
        if value in arguments:
            return value
        raise ValueError(f"{where} is {value!r}, not one of {', '.join(map(repr, arguments))}")
    if origin in (Union, types.UnionType):
        return _build_any(arguments, value, where)
    if (origin in (list, Sequence) or type_ is list) and is_list(value):
        inner = arguments[0] if arguments else Any
        return [_build(inner, item, f"{where}[{i}]") for i, item in enumerate(value)]
    if (origin is dict or type_ is dict) and is_dict(value):
        inner = arguments[1] if len(arguments) == 2 else Any
        return {key: _build(inner, item, f"{where}[{key!r}]") for key, item in value.items()}
    if type_ is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type_ in _PLAIN and type(value) is type_:
        return value
    raise ValueError(f"{where} is {value!r}, not {getattr(type_, '__name__', type_)}")


def _build_any(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    for choice in choices:
        try:
            return _build(choice, value, where)
        except ValueError:
            continue
    raise ValueError(f"{where} is {value!r}, which is of no type that it may have")


def _build_dataclass(type_: Any, value: Any, where: str) -> Any:
    if not is_dict(value):
        raise ValueError(f"{where} is {value!r}, not an object")
    hints = typing.get_type_hints(type_)
    names = {field.name for field in dataclasses.fields(type_)}
    unknown = sorted(value.keys() - names)
    missing: list[str] = []
    for field in dataclasses.fields(type_):
        optional = (
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        )
        if field.name not in value and not optional:
            missing.append(field.name)
    if unknown or missing:
        raise ValueError(f"{where} lacks {missing} and has {unknown}, which it should not")
    return type_(**{name: _build(hints[name], item, f"{where}.{name}") for name, item in value.items()})
