"""Keys go to the server that they are for and nowhere else; what a server sends is bounded."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
import xcs

KEY = "sk-very-secret-0123456789"
llm: Any = xcs.llm  # for options that are variables
MESSAGES: list[Any] = [{"role": "user", "content": "hello"}]


class Server:
    """Answers every request with one status, headers and body, and keeps what it was sent."""

    def __init__(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.seen: list[dict[str, str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.seen.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    with Server(401, b'{"error": {"message": "who are you?"}}') as server:
        yield server


@pytest.fixture
def here(elsewhere: Server) -> Iterator[Server]:
    with Server(307, location=elsewhere.url + "/elsewhere") as server:
        yield server


def ask(client: Any, *, stream: bool) -> Any:
    if isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        return client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
    return client.messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=stream)


@xcs.jit
def asked(client: Any, stream: bool) -> list[Any]:
    return [ask(client, stream=stream) for _ in range(2)]


@xcs.jit
async def asked_async(client: Any, stream: bool) -> list[Any]:
    return [await ask(client, stream=stream) for _ in range(2)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "make", [openai.OpenAI, openai.AsyncOpenAI, anthropic.Anthropic, anthropic.AsyncAnthropic]
)
def test_a_redirection_takes_no_key_to_another_host(
    here: Server, elsewhere: Server, make: Any, stream: bool
) -> None:
    async def run_async() -> None:
        async with make(base_url=here.url, api_key=KEY, max_retries=0) as client:
            await asked_async(xcs.adopt(client), stream)

    def run() -> None:
        with make(base_url=here.url, api_key=KEY, max_retries=0) as client:
            asked(xcs.adopt(client), stream)

    with pytest.raises((openai.AuthenticationError, anthropic.AuthenticationError)):
        asyncio.run(run_async()) if make.__name__.startswith("Async") else run()
    assert here.seen
    assert elsewhere.seen
    assert all(KEY in str(headers) for headers in here.seen)
    assert not any(KEY in str(headers) for headers in elsewhere.seen)


@pytest.mark.parametrize("stream", [False, True])
def test_native_calls_follow_no_redirection(here: Server, elsewhere: Server, stream: bool) -> None:
    with pytest.raises(xcs.LLMError) as raised:
        "".join(llm("hi", model="m", base_url=here.url, api_key=KEY, max_retries=0, stream=stream))
    assert "status 307" in str(raised.value)
    assert here.seen
    assert not elsewhere.seen


@dataclass
class Nested:
    inside: Any


def answer_of(**message: Any) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    return json.dumps({"id": "i", "model": "m", "choices": [choice]}).encode()


DEEP = '{"inside": ' + "[" * 100_000 + "]" * 100_000 + "}"


def test_what_is_nested_without_end_in_a_text_is_an_answer_error() -> None:
    with (
        Server(200, answer_of(content=DEEP)) as server,
        pytest.raises(xcs.LLMAnswerError, match="the answer is no Nested") as raised,
    ):
        xcs.llm("hi", model="m", base_url=server.url, api_key=KEY, response_format=Nested)
    assert len(str(raised.value)) < 2000
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": DEEP}}
    with (
        Server(200, answer_of(content=None, tool_calls=[call])) as server,
        pytest.raises(
            xcs.LLMAnswerError, match="the model calls look with arguments that are no JSON object"
        ) as raised,
    ):
        xcs.llm("hi", model="m", base_url=server.url, api_key=KEY, full=True)
    assert len(str(raised.value)) < 2000


@pytest.mark.parametrize("full", [False, True])
def test_an_answer_nested_without_end_is_refused(full: bool) -> None:
    body = '{"choices": [{"message": {"content": "x"}}], "extra": ' + "[" * 900 + "]" * 900 + "}"
    with (
        Server(200, body.encode()) as server,
        pytest.raises(xcs.LLMAnswerError, match="nested too deeply"),
    ):
        llm("hi", model="m", base_url=server.url, api_key=KEY, full=full)


def test_no_object_shows_a_key(elsewhere: Server) -> None:
    stream = xcs.llm("hi", model="m", base_url=elsewhere.url, api_key=KEY, stream=True)
    client = xcs.adopt(openai.OpenAI(base_url=elsewhere.url, api_key=KEY, max_retries=0))

    @xcs.jit
    def program(key: str) -> str:
        return xcs.llm("hi", model="m", base_url=elsewhere.url, api_key=key)

    with pytest.raises(xcs.LLMError) as raised:
        program(KEY)
    with client, pytest.raises(openai.AuthenticationError) as by_sdk:
        asked(client, stream=False)
    jitted: Any = program
    shown = [stream, stream._pieces, program, jitted.config, xcs.stats(program), xcs.explain(program)]
    shown += [client._client._transport, raised.value, by_sdk.value, vars(raised.value)]
    assert not [text for text in map(repr, shown) if KEY in text]
    stream.close()
