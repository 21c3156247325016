"""The table in docs/clients.md: for each client of openai and anthropic, unmodified and adopted, what is the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import xcs

from .test_adopt import StatusServer

Client = Any
PACKAGES: dict[type[Any], Any] = {
    openai.OpenAI: openai,
    openai.AsyncOpenAI: openai,
    anthropic.Anthropic: anthropic,
    anthropic.AsyncAnthropic: anthropic,
}
every_client = pytest.mark.parametrize("make", PACKAGES)
as_it_is_and_adopted = pytest.mark.parametrize("adopted", [False, True])
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture(scope="module")
def sim() -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=2) as simulator:
        yield simulator


def is_async(make: type[Any]) -> bool:
    return make.__name__.startswith("Async")


def is_openai(client: Client) -> bool:
    return PACKAGES[type(client)] is openai


def asked(client: Client, prompt: str, **more: Any) -> dict[str, Any]:
    """Arguments of the method that answers."""
    bound = {} if is_openai(client) else {"max_tokens": 50}
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **bound, **more}


def resource(client: Client) -> Any:
    return client.chat.completions if is_openai(client) else client.messages


def ran(make: type[Any], url: str, adopted: bool, program: Any, awaited: Any, **options: Any) -> Any:
    """What a program returns that is given a client; `awaited` is its twin for asynchronous clients."""
    base = url + "/v1" if PACKAGES[make] is openai else url
    if not is_async(make):
        with make(base_url=base, api_key="any", max_retries=0, **options) as client:
            return program(xcs.adopt(client) if adopted else client)

    async def run() -> Any:
        async with make(base_url=base, api_key="any", max_retries=0, **options) as client:
            return await awaited(xcs.adopt(client) if adopted else client)

    return asyncio.run(run())


def text_of_piece(client: Client, piece: Any) -> str:
    if is_openai(client):
        return str(piece.choices[0].delta.content or "") if piece.choices else ""
    return str(piece.delta.text) if piece.type == "content_block_delta" else ""


def streamed(client: Client) -> list[str]:
    texts = []
    for i in range(2):
        text = ""
        for piece in resource(client).create(**asked(client, f"say {i}", stream=True)):
            text += text_of_piece(client, piece)
        texts.append(text)
    return texts


async def streamed_async(client: Client) -> list[str]:
    texts = []
    for i in range(2):
        text = ""
        async for piece in await resource(client).create(**asked(client, f"say {i}", stream=True)):
            text += text_of_piece(client, piece)
        texts.append(text)
    return texts


@every_client
@as_it_is_and_adopted
def test_streams_are_read_in_order_and_once(sim: xcs.Simulator, make: type[Any], adopted: bool) -> None:
    plain = ran(make, sim.base_url, False, streamed, streamed_async)
    sim.reset()
    assert ran(make, sim.base_url, adopted, xcs.jit(streamed), xcs.jit(streamed_async)) == plain
    assert len(plain[0]) > 2
    seen = sim.stats()
    assert (seen["requests"], seen["peak_in_flight"]) == (2, 1)


def look() -> list[dict[str, Any]]:
    """The tool as openai and as anthropic want to be told of it."""
    return [
        {"type": "function", "function": {"name": "look", "parameters": SCHEMA}},
        {"name": "look", "input_schema": SCHEMA},
    ]


def arguments_of(client: Client, answer: Any) -> list[Any]:
    if is_openai(client):
        return [
            (call.function.name, json.loads(call.function.arguments))
            for call in answer.choices[0].message.tool_calls
        ]
    return [(block.name, block.input) for block in answer.content if block.type == "tool_use"]


def with_tools(client: Client) -> list[Any]:
    tools = look()[:1] if is_openai(client) else look()[1:]
    prompts = [f'[call look {{"city": "{city}"}}]' for city in ("Paris", "Rome", "Oslo")]
    answers = [resource(client).create(**asked(client, prompt, tools=tools)) for prompt in prompts]
    return [arguments_of(client, answer) for answer in answers]


async def with_tools_async(client: Client) -> list[Any]:
    tools = look()[:1] if is_openai(client) else look()[1:]
    prompts = [f'[call look {{"city": "{city}"}}]' for city in ("Paris", "Rome", "Oslo")]
    answers = [await resource(client).create(**asked(client, prompt, tools=tools)) for prompt in prompts]
    return [arguments_of(client, answer) for answer in answers]


@every_client
@as_it_is_and_adopted
def test_tools_are_asked_for_as_without(sim: xcs.Simulator, make: type[Any], adopted: bool) -> None:
    sim.reset()
    program, awaited = xcs.jit(with_tools), xcs.jit(with_tools_async)
    answers = ran(make, sim.base_url, adopted, program, awaited)
    assert answers == [[("look", {"city": city})] for city in ("Paris", "Rome", "Oslo")]
    assert sim.stats()["requests"] == 3
    stats = xcs.stats(awaited if is_async(make) else program)
    assert stats is not None
    assert stats.most_in_flight == 3


def once(client: Client) -> Any:
    return resource(client).create(**asked(client, "a"))


async def once_async(client: Client) -> Any:
    return await resource(client).create(**asked(client, "a"))


@every_client
@as_it_is_and_adopted
@pytest.mark.parametrize(
    ("status", "kind"), [(400, "BadRequestError"), (401, "AuthenticationError"), (429, "RateLimitError")]
)
def test_exceptions_are_the_packages_own(make: type[Any], adopted: bool, status: int, kind: str) -> None:
    server = StatusServer(status)
    with server as url, pytest.raises(getattr(PACKAGES[make], kind)) as raised:
        ran(make, url, adopted, xcs.jit(once), xcs.jit(once_async))
    assert raised.value.status_code == status
    assert server.requests == 1


@every_client
@as_it_is_and_adopted
def test_a_mock_of_the_transport_sees_every_request_once(
    make: type[Any], adopted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(418, json={"error": {"message": "mocked"}}, request=request)

    async def answer_async(_transport: Any, request: httpx2.Request) -> httpx2.Response:
        return answer(request)

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", lambda _transport, request: answer(request))
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", answer_async)
    with pytest.raises(PACKAGES[make].APIStatusError) as raised:
        ran(make, "http://127.0.0.1:1", adopted, xcs.jit(once), xcs.jit(once_async))
    assert raised.value.status_code == 418
    assert len(seen) == 1


@every_client
@as_it_is_and_adopted
def test_a_mock_of_the_method_is_called_in_its_place(
    make: type[Any], adopted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def patched(**_: Any) -> str:
        return "patched"

    def with_mock(then: Callable[[Client], Any]) -> Callable[[Client], Any]:
        def run(client: Client) -> Any:
            monkeypatch.setattr(
                resource(client), "create", patched if is_async(make) else lambda **_: "patched"
            )
            return then(client)

        return run

    program, awaited = with_mock(xcs.jit(once)), with_mock(xcs.jit(once_async))
    assert ran(make, "http://127.0.0.1:1", adopted, program, awaited) == "patched"


def as_it_is(client: Client, call: Callable[[Client], Any]) -> list[Any]:
    return [call(client) for _ in range(3)]


async def as_it_is_async(client: Client, call: Callable[[Client], Any]) -> list[Any]:
    return [await call(client) for _ in range(3)]


@every_client
@as_it_is_and_adopted
def test_a_function_that_runs_as_it_is_sends_each_request_once(
    sim: xcs.Simulator, make: type[Any], adopted: bool
) -> None:
    sim.reset()
    answers = ran(
        make,
        sim.base_url,
        adopted,
        lambda client: xcs.jit(as_it_is)(client, once),
        lambda client: xcs.jit(as_it_is_async)(client, once_async),
    )
    assert len(answers) == 3
    assert sim.stats()["requests"] == 3
