"""Guards hold exactly under the condition that the registry's README gives for them."""

from __future__ import annotations

import csv
import importlib.util
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from registry.contracts import lines


@pytest.fixture(scope="module")
def guards() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[2] / "python/xcs/_guards.py"
    spec = importlib.util.spec_from_file_location("xcs_guards_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.GUARDS


class Noticed:
    """A stream of the program's own."""

    def write(self, text: str) -> int:
        return len(text)


class Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        self.last = record


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("guarded.child")
    yield made
    for one in (made, logging.getLogger("guarded")):
        one.handlers.clear()
        one.filters.clear()
        one.propagate = True


def test_every_guard_of_the_registry_exists(guards: dict[str, Any]) -> None:
    used = {line.fields["guard"] for line in lines() if "guard" in line.fields}
    assert guards.keys() == used


@pytest.mark.parametrize(
    ("name", "positional", "keywords", "holds"),
    [
        ("no_out", (1,), {}, True),
        ("no_out", (1,), {"out": [0]}, False),
        ("no_tools", (), {"model": "m", "config": None}, True),
        ("no_tools", (), {"config": {"temperature": 0}}, True),
        ("no_tools", (), {"config": SimpleNamespace(tools=None)}, True),
        ("no_tools", (), {"config": {"tools": [print]}}, False),
        ("no_tools", (), {"config": SimpleNamespace(tools=[print])}, False),
        ("no_tools", (), {"tools": [print]}, False),
        ("not_streaming", (), {"model": "m"}, True),
        ("not_streaming", (), {"stream": False}, True),
        ("not_streaming", (), {"stream": True}, False),
        ("one_argument", (1,), {}, True),
        ("one_argument", ("C", (), {}), {}, False),
        ("plain_get", ("http://host",), {}, True),
        ("plain_get", ("http://host",), {"data": b"x"}, False),
        ("plain_get", ("http://host", b"x"), {}, False),
        ("plain_get", (object(),), {}, False),
        ("safe_method", ("get", "http://host"), {}, True),
        ("safe_method", (object(), "GET", "http://host"), {}, True),
        ("safe_method", (object(),), {"method": "head"}, True),
        ("safe_method", ("POST", "http://host"), {}, False),
        ("safe_method", (object(), "http://host"), {"method": "delete"}, False),
        ("sdk_model", (object(),), {}, False),
        ("langchain_class", (object(),), {}, False),
    ],
)
def test_a_guard_looks_at_the_arguments(
    guards: dict[str, Any], name: str, positional: tuple[Any, ...], keywords: dict[str, Any], holds: bool
) -> None:
    assert guards[name](positional, keywords) is holds


def test_a_langchain_model_with_callbacks_is_the_programs_own(guards: dict[str, Any]) -> None:
    model = type("Model", (), {"__module__": "langchain_made_up.chat"})()
    assert guards["langchain_class"]((model, "hi"), {})
    assert not guards["langchain_class"]((model, "hi"), {"config": {"callbacks": [print]}})
    for name in ("callbacks", "cache", "verbose"):
        setattr(model, name, [print])
        assert not guards["langchain_class"]((model, "hi"), {})
        setattr(model, name, None)
    assert guards["langchain_class"]((model, "hi"), {})


def test_a_stand_in_that_langchain_brings_answers_in_order(guards: dict[str, Any]) -> None:
    model = type("FakeListChatModel", (), {"__module__": "langchain_core.made_up"})()
    assert not guards["langchain_class"]((model, "hi"), {})


def test_what_is_bound_to_a_langchain_model_is_called_as_the_model_is(guards: dict[str, Any]) -> None:
    base = type("BaseChatModel", (), {"__module__": "langchain_core.made_up"})
    model = type("Model", (base,), {"__module__": "langchain_made_up"})()
    binding = type("RunnableBinding", (), {"__module__": "langchain_core.made_up"})()
    binding.bound, binding.config, binding.config_factories = model, {}, []
    assert guards["langchain_binding"]((binding, "hi"), {})
    binding.config = {"callbacks": [print]}
    assert not guards["langchain_binding"]((binding, "hi"), {})
    binding.config, binding.bound = {}, object()
    assert not guards["langchain_binding"]((binding, "hi"), {})
    assert not guards["langchain_binding"]((model, "hi"), {})


def test_a_model_of_a_client_library_is_one_that_the_library_defines(guards: dict[str, Any]) -> None:
    anthropic = pytest.importorskip("anthropic")
    usage = anthropic.types.Usage(input_tokens=1, output_tokens=2)
    mine = type("Mine", (anthropic.types.Usage,), {"__module__": "mine"})(input_tokens=1, output_tokens=2)
    assert guards["sdk_model"]((usage,), {})
    assert not guards["sdk_model"]((mine,), {})


def test_standard_streams_are_those_of_io(guards: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    holds = guards["standard_stream"]
    assert holds(("text",), {})
    assert holds(("text",), {"file": io.StringIO()})
    assert not holds(("text",), {"file": Noticed()})
    monkeypatch.setattr(sys, "stdout", Noticed())
    assert not holds(("text",), {})


def test_csv_writers_and_readers_are_judged_by_the_stream_they_hold(guards: dict[str, Any]) -> None:
    holds = guards["standard_stream"]
    assert holds((csv.writer(io.StringIO()), ["a"]), {})
    assert holds((csv.DictWriter(io.StringIO(), ["a"]), {"a": 1}), {})
    assert holds((csv.DictReader(io.StringIO("a\n1\n")),), {})
    assert holds((csv.DictReader(["a", "1"]),), {})
    assert not holds((csv.writer(Noticed()), ["a"]), {})
    assert not holds((csv.DictWriter(Noticed(), ["a"]), {"a": 1}), {})
    assert not holds((csv.DictReader(line for line in ["a", "1"]),), {})


def test_handlers_of_the_program_are_found_on_the_logger_and_above_it(
    guards: dict[str, Any], logger: logging.Logger
) -> None:
    holds = guards["stdlib_handlers"]
    assert holds((logger, "text"), {})
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    assert holds((logger, "text"), {})
    logging.getLogger("guarded").addHandler(Handler())
    assert not holds((logger, "text"), {})
    logger.propagate = False
    assert holds((logger, "text"), {})


@pytest.mark.parametrize("spoil", ["filter", "formatter", "stream"])
def test_what_a_handler_calls_counts_as_well(
    guards: dict[str, Any], logger: logging.Logger, spoil: str
) -> None:
    handler = logging.StreamHandler(Noticed() if spoil == "stream" else io.StringIO())
    if spoil == "filter":
        handler.addFilter(lambda record: True)
    if spoil == "formatter":
        handler.setFormatter(type("Mine", (logging.Formatter,), {"__module__": "mine"})())
    logger.addHandler(handler)
    assert not guards["stdlib_handlers"]((logger, "text"), {})
