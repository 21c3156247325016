"""Clients of the real openai and anthropic packages: as they are, and adopted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import xcs

PROMPT = "Pick. [one of: yes]"
Made = Any  # a client
CLIENTS: list[Made] = []


@pytest.fixture(scope="module")
def sim() -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=5) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Closes the clients that a test has made."""
    yield
    while CLIENTS:
        CLIENTS.pop().close()


def kept(client: Made) -> Made:
    CLIENTS.append(client)
    return client


def openai_client(sim: xcs.Simulator, **options: Any) -> openai.OpenAI:
    made: openai.OpenAI = kept(openai.OpenAI(base_url=sim.base_url + "/v1", api_key="any", **options))
    return made


def anthropic_client(sim: xcs.Simulator, **options: Any) -> anthropic.Anthropic:
    made: anthropic.Anthropic = kept(anthropic.Anthropic(base_url=sim.base_url, api_key="any", **options))
    return made


def user(prompt: str) -> list[Any]:
    return [{"role": "user", "content": prompt}]


@xcs.jit
def chats(client: openai.OpenAI, prompts: list[str]) -> list[Any]:
    return [client.chat.completions.create(model="m", messages=user(p)) for p in prompts]


@xcs.jit
def messages(client: anthropic.Anthropic, prompts: list[str]) -> list[Any]:
    return [client.messages.create(model="m", max_tokens=50, messages=user(p)) for p in prompts]


def flight(function: Any) -> int:
    stats = xcs.stats(function)
    assert stats is not None
    return stats.most_in_flight


def without(answer: Any, *fields: str) -> dict[str, Any]:
    """What an answer holds besides what differs from request to request."""
    data = dict(answer.model_dump())
    for field in ("id", "created", *fields):
        data.pop(field, None)
    return data


@pytest.mark.parametrize("adopted", [False, True])
def test_calls_of_openai_overlap_with_the_same_answers(sim: xcs.Simulator, adopted: bool) -> None:  # S1
    prompts = [f"{PROMPT} {i}" for i in range(8)]
    client = openai_client(sim)
    plain = [client.chat.completions.create(model="m", messages=user(p)) for p in prompts]
    if adopted:
        assert xcs.adopt(client) is client
    before = threading.active_count()
    answers = chats(client, prompts)
    assert flight(chats) == 8
    if adopted:
        assert threading.active_count() == before
    assert [type(a) for a in answers] == [openai.types.chat.ChatCompletion] * 8
    assert [without(a) for a in answers] == [without(a) for a in plain]
    assert all(a._request_id for a in answers)


@pytest.mark.parametrize("adopted", [False, True])
def test_calls_of_anthropic_overlap_with_the_same_answers(sim: xcs.Simulator, adopted: bool) -> None:
    prompts = [f"{PROMPT} {i}" for i in range(8)]
    client = anthropic_client(sim)
    plain = [client.messages.create(model="m", max_tokens=50, messages=user(p)) for p in prompts]
    answers = messages(xcs.adopt(client) if adopted else client, prompts)
    assert flight(messages) == 8
    assert [type(a) for a in answers] == [anthropic.types.Message] * 8
    assert [without(a) for a in answers] == [without(a) for a in plain]


def test_outside_of_jit_an_adopted_client_waits_for_its_answer(sim: xcs.Simulator) -> None:
    client = xcs.adopt(openai_client(sim))
    answer = client.chat.completions.create(model="m", messages=user(PROMPT))
    assert answer.choices[0].message.content == "yes"
    raw = client.chat.completions.with_raw_response.create(model="m", messages=user(PROMPT))
    assert raw.status_code == 200
    assert raw.parse().choices[0].message.content == "yes"
    assert len(client.embeddings.create(model="e", input=["a", "b"]).data) == 2
    assert client.responses.create(model="m", input=PROMPT).output_text == "yes"


@pytest.mark.parametrize("adopted", [False, True])
def test_asynchronous_clients_answer_in_a_loop_and_under_jit(sim: xcs.Simulator, adopted: bool) -> None:
    @xcs.jit
    async def ask_all(of_openai: openai.AsyncOpenAI, of_anthropic: anthropic.AsyncAnthropic) -> list[Any]:
        first = [await of_openai.chat.completions.create(model="m", messages=user(PROMPT)) for _ in range(4)]
        second = [
            await of_anthropic.messages.create(model="m", max_tokens=9, messages=user(PROMPT))
            for _ in range(4)
        ]
        return [*first, *second]

    async def program() -> list[Any]:
        of_openai = openai.AsyncOpenAI(base_url=sim.base_url + "/v1", api_key="any")
        of_anthropic = anthropic.AsyncAnthropic(base_url=sim.base_url, api_key="any")
        if adopted:
            xcs.adopt(of_openai)
            xcs.adopt(of_anthropic)
        direct = await asyncio.gather(
            *[of_openai.chat.completions.create(model="m", messages=user(PROMPT)) for _ in range(5)]
        )
        assert [a.choices[0].message.content for a in direct] == ["yes"] * 5
        answers = await ask_all(of_openai, of_anthropic)
        await of_openai.close()
        await of_anthropic.close()
        return answers

    answers = asyncio.run(program())
    assert flight(ask_all) >= 4
    assert [type(a).__name__ for a in answers] == ["ChatCompletion"] * 4 + ["Message"] * 4


@pytest.mark.parametrize("adopted", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "AuthenticationError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
    ],
)
def test_exceptions_are_the_packages_own(adopted: bool, status: int, kind: str) -> None:  # S2
    with StatusServer(status) as url:
        client: Made = kept(openai.OpenAI(base_url=url, api_key="any", max_retries=0))
        if adopted:
            xcs.adopt(client)
        with pytest.raises(getattr(openai, kind)) as raised:
            chats(client, ["a", "b"])
        assert raised.value.status_code == status
        assert raised.value.body == {"message": "no"}
        client = kept(anthropic.Anthropic(base_url=url, api_key="any", max_retries=0))
        if adopted:
            xcs.adopt(client)
        with pytest.raises(getattr(anthropic, kind)):
            messages(client, ["a"])


class StatusServer:
    """A server that answers everything with one status, and counts."""

    def __init__(self, status: int, then: bytes = b"") -> None:
        import http.server

        outer = self
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.requests += 1
                good = bool(then) and outer.requests > 1
                body = then if good else b'{"error": {"message": "no"}}'
                self.send_response(200 if good else status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_a_refused_connection_is_the_packages_own_error() -> None:
    client = xcs.adopt(kept(openai.OpenAI(base_url="http://127.0.0.1:1", api_key="any", max_retries=0)))
    with pytest.raises(openai.APIConnectionError):
        chats(client, ["a"])
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="m", messages=user("a"))


def test_a_timeout_is_the_packages_own_error() -> None:
    with xcs.Simulator(latency_ms=60_000) as slow:
        client = xcs.adopt(openai_client(slow, max_retries=0, timeout=0.05))
        with pytest.raises(openai.APITimeoutError):
            chats(client, ["a"])


def test_failed_requests_are_repeated_as_often_as_the_client_is_set_to(sim: xcs.Simulator) -> None:
    answer = openai_client(sim).chat.completions.with_raw_response.create(model="m", messages=user(PROMPT))
    server = StatusServer(503, then=answer.content)
    with server as url:
        client = xcs.adopt(kept(openai.OpenAI(base_url=url, api_key="any", max_retries=1)))
        assert chats(client, [PROMPT])[0].choices[0].message.content == "yes"
    assert server.requests == 2
    server = StatusServer(503)
    with server as url:
        client = xcs.adopt(kept(openai.OpenAI(base_url=url, api_key="any", max_retries=2)))
        with pytest.raises(openai.InternalServerError):
            chats(client, [PROMPT])
    assert server.requests == 3


@pytest.mark.parametrize("adopted", [False, True])
def test_streams_and_tools_are_what_they_are_without(sim: xcs.Simulator, adopted: bool) -> None:
    client = openai_client(sim)
    other = anthropic_client(sim)
    if adopted:
        xcs.adopt(client)
        xcs.adopt(other)
    chunks = list(client.chat.completions.create(model="m", messages=user(PROMPT), stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "yes"
    with other.messages.stream(model="m", max_tokens=9, messages=user(PROMPT)) as stream:
        assert "".join(stream.text_stream) == "yes"
    tool: Any = {
        "type": "function",
        "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
    }

    @xcs.jit
    def program() -> Any:
        return client.chat.completions.create(
            model="m", messages=user("use it"), tools=[tool], tool_choice="required"
        )

    message = program().choices[0].message
    assert message.tool_calls is None or message.tool_calls[0].function.name == "look"


def test_mocks_are_still_seen(sim: xcs.Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def fake(_transport: Any, request: Any) -> Any:
        seen.append(str(request.url))
        return httpx2.Response(418, json={"error": {"message": "mocked"}}, request=request)

    client = xcs.adopt(openai_client(sim, max_retries=0))
    with monkeypatch.context() as patch:
        patch.setattr(httpx2.HTTPTransport, "handle_request", fake)
        with pytest.raises(openai.APIStatusError) as raised:
            chats(client, ["a"])
        assert raised.value.status_code == 418
    assert len(seen) == 1
    with monkeypatch.context() as patch:
        patch.setattr(client.chat.completions, "create", lambda **_: "patched")
        assert chats(client, ["a"]) == ["patched"]
    assert chats(client, [PROMPT])[0].choices[0].message.content == "yes"


def test_clients_with_an_http_client_of_their_own_are_declined(sim: xcs.Simulator) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={}))
    client = openai_client(sim, http_client=httpx2.Client(transport=transport))
    with pytest.raises(xcs.UsageError, match="has an HTTP client of its own"):
        xcs.adopt(client)
    assert type(client.chat.completions.create(model="m", messages=user("a"))).__name__ == "ChatCompletion"
    with pytest.raises(xcs.UsageError, match="is not a client of openai or anthropic"):
        xcs.adopt(3)


def test_answers_of_adopted_clients_are_kept_in_journals(sim: xcs.Simulator, tmp_path: Any) -> None:
    sim.reset()
    journal = tmp_path / "j.db"
    for _ in range(2):
        with pytest.raises(KeyError), xcs.config(journal=journal):
            _raise_after(chats(xcs.adopt(openai_client(sim)), [PROMPT, PROMPT]))
    assert sim.stats()["requests"] == 2
    stats = xcs.stats(chats)
    assert stats is not None
    assert stats.record is not None
    assert stats.record.recalled == 2


def _raise_after(_answers: Any) -> None:
    raise KeyError
