"""The conditions under which contracts of the registry hold; registry/README.md says what each means.

A guard is called with the positional and the keyword arguments of one call; an argument that is not known yet
is None. It has no effect and runs none of the program's code: it looks at types, and at attributes of library
objects.
"""

from __future__ import annotations

import gc
import logging
import os
import string
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Positional = tuple[object, ...]
Keywords = Mapping[str, object]
Guard = Callable[[Positional, Keywords], bool]

# Packages whose streams stand in for the standard ones and run nothing of the program's.
STREAM_PACKAGES = {"_io", "_pytest", "codecs", "colorama", "io", "ipykernel", "tempfile"}
LOGGING_PACKAGES = {"_pytest", "logging", "rich"}


def _package(value: object) -> str:
    module: object = getattr(type(value), "__module__", None)  # programs assign anything
    return module.partition(".")[0] if isinstance(module, str) else ""


def _attribute(value: object, name: str) -> object:
    """What the instance itself holds under the name, or None."""
    held: Mapping[str, object] = vars(value)
    return held.get(name)


def environment(positional: Positional, keywords: Keywords) -> bool:
    given = [*positional[1:], *keywords.values()]
    return (
        bool(positional)
        and positional[0] is os.environ
        and all(type(v) in (str, int, bool, type(None)) for v in given)
    )


def langchain_binding(positional: Positional, keywords: Keywords) -> bool:
    binding = positional[0] if positional else None
    if _package(binding) != "langchain_core" or "RunnableBinding" not in _bases(binding):
        return False
    bound = _attribute(binding, "bound")
    config = _attribute(binding, "config") or _attribute(binding, "config_factories")
    models = _bases(bound) & {"BaseChatModel", "BaseLLM"}
    return bool(models) and not config and langchain_class((bound, *positional[1:]), keywords)


def _bases(value: object) -> set[str]:
    """The names of the classes of langchain_core that the value is an instance of."""
    return {
        base.__name__ for base in type(value).__mro__ if base.__module__.partition(".")[0] == "langchain_core"
    }


def langchain_class(positional: Positional, keywords: Keywords) -> bool:
    model = positional[0] if positional else None
    # What langchain_core itself defines are stand-ins for tests, whose answers come in order.
    if not _package(model).startswith("langchain_") or _package(model) == "langchain_core":
        return False
    config = positional[2] if len(positional) > 2 else keywords.get("config")
    own = any(_attribute(model, name) for name in ("cache", "callbacks", "verbose"))
    return not config and not own and _langchain_is_quiet(cached=_attribute(model, "cache") is None)


def _langchain_is_quiet(*, cached: bool) -> bool:
    """Whether nothing that is set for all models sees their calls: callbacks, or a cache if they use it."""
    settings = sys.modules.get("langchain_core.globals")
    names = ("_debug", "_verbose", "_llm_cache") if cached else ("_debug", "_verbose")
    if settings is not None and any(_attribute(settings, name) not in (None, False) for name in names):
        return False
    tracers = sys.modules.get("langchain_core.tracers.context")
    hooks: Any = None if tracers is None else _attribute(tracers, "_configure_hooks")
    return all(variable.get() is None for variable, *_ in hooks or ())


def no_out(_positional: Positional, keywords: Keywords) -> bool:
    return "out" not in keywords


def no_tools(_positional: Positional, keywords: Keywords) -> bool:
    config = keywords.get("config")
    if isinstance(config, Mapping):
        return "tools" not in keywords and "tools" not in config
    return "tools" not in keywords and getattr(config, "tools", None) is None


def not_streaming(_positional: Positional, keywords: Keywords) -> bool:
    # The SDKs have sentinels of their own for "not given"; True is the only value that asks for a stream.
    return keywords.get("stream") is not True


def one_argument(positional: Positional, keywords: Keywords) -> bool:
    return len(positional) == 1 and not keywords


def plain_fields(positional: Positional, _keywords: Keywords) -> bool:
    return bool(positional) and type(positional[0]) is str and not _names_attribute(positional[0])


def _names_attribute(template: str) -> bool:
    if "." not in template:
        return False
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return False  # which the call raises
    return any("." in (name or "") or _names_attribute(spec or "") for _, name, spec, _ in fields)


def plain_get(positional: Positional, keywords: Keywords) -> bool:
    data = positional[1] if len(positional) > 1 else keywords.get("data")
    return len(positional) > 0 and type(positional[0]) is str and data is None


def safe_method(positional: Positional, keywords: Keywords) -> bool:
    first_text = next((one for one in positional[:2] if type(one) is str), None)
    method = keywords.get("method", first_text)
    return type(method) is str and method.upper() in {"GET", "HEAD", "OPTIONS"}


def sdk_model(positional: Positional, _keywords: Keywords) -> bool:
    return bool(positional) and _package(positional[0]) in {"anthropic", "openai"}


def standard_stream(positional: Positional, keywords: Keywords) -> bool:
    streams = [sys.stdout, *(one for argument in positional for one in _streams_of(argument))]
    if keywords.get("file") is not None:
        streams.append(keywords["file"])
    return all(_package(stream) in STREAM_PACKAGES for stream in streams)


def _streams_of(argument: object) -> Iterator[object]:
    """The streams that the argument is or holds, and whatever else it would take lines from."""
    package = _package(argument)
    if package == "csv":
        yield from _streams_of(_attribute(argument, "writer") or _attribute(argument, "reader"))
    elif package == "_csv":
        # A writer holds its stream's `write`, a reader the iterator of its lines.
        for held in gc.get_referents(argument):
            if isinstance(held, (types.BuiltinMethodType, types.MethodType)):
                yield held.__self__
            elif isinstance(held, (types.FunctionType, types.GeneratorType)):
                yield held
            elif not isinstance(held, type):
                yield from _streams_of(held)
    elif package == "rich":
        if (stream := _attribute(argument, "_file")) is not None:
            yield stream
    elif isinstance(argument, types.GeneratorType) or "write" in dir(type(argument)):
        yield argument


def stdlib_handlers(positional: Positional, _keywords: Keywords) -> bool:
    given = positional[0] if positional else None
    if type(given).__name__ == "LoggerAdapter" and _package(given) == "logging":
        given = _attribute(given, "logger")
    logger: logging.Logger | None = given if isinstance(given, logging.Logger) else logging.getLogger()
    plain = logging.getLogRecordFactory() is logging.LogRecord
    while plain and logger is not None:
        plain = _package(logger) == "logging" and _are_logging(logger.filters)
        plain = plain and all(_handles_plainly(handler) for handler in logger.handlers)
        logger = logger.parent if logger.propagate else None
    return plain


def _handles_plainly(handler: logging.Handler) -> bool:
    stream = _attribute(handler, "stream")
    return (
        _package(handler) in LOGGING_PACKAGES
        and _are_logging(handler.filters)
        and (handler.formatter is None or _package(handler.formatter) in LOGGING_PACKAGES)
        and (stream is None or _package(stream) in STREAM_PACKAGES)
    )


def _are_logging(filters: list[Any]) -> bool:
    return all(_package(one) in LOGGING_PACKAGES for one in filters)


GUARDS: Mapping[str, Guard] = {
    guard.__name__: guard
    for guard in (
        environment,
        langchain_binding,
        langchain_class,
        no_out,
        no_tools,
        not_streaming,
        one_argument,
        plain_fields,
        plain_get,
        safe_method,
        sdk_model,
        standard_stream,
        stdlib_handlers,
    )
}
