"""Packages that call models or fetch pages, as they are: the cells of the table in docs/clients.md."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import xcs

Package = Any
PROMPT = "Pick. [one of: yes]"
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(scope="module")
def sim() -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=30) as simulator:
        yield simulator


def flight(function: Any) -> int:
    stats = xcs.stats(function)
    assert stats is not None
    return stats.most_in_flight


def same(function: Any, *arguments: Any) -> Any:
    """What a jitted function returns, which is what it returns without jit."""
    plain = inspect.unwrap(function)(*arguments)
    jitted = function(*arguments)
    assert jitted == plain
    return jitted


# --- openai, anthropic ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_clients_that_a_helper_makes_for_itself_overlap(sim: xcs.Simulator, name: str) -> None:
    package: Package = pytest.importorskip(name)
    http = package.DefaultHttpxClient()

    def told(prompt: str) -> str:
        messages: list[Any] = [{"role": "user", "content": prompt}]
        if name == "openai":
            client = package.OpenAI(base_url=f"{sim.base_url}/v1", api_key="k", http_client=http)
            response = client.chat.completions.create(model="m", messages=messages)
            return str(response.choices[0].message.content)
        client = package.Anthropic(base_url=sim.base_url, api_key="k", http_client=http)
        response = client.messages.create(model="m", max_tokens=9, messages=messages)
        return str(response.content[0].text)

    @xcs.jit
    def run() -> list[str]:
        out = []
        for i in range(4):
            text = told(f"Say {i}. [one of: yes]")
            if "y" in text:
                text = told(f"Say {text} {i}. [one of: no]")
            out.append(text)
        return out

    with http:
        same(run)
    stats = xcs.stats(run)
    assert stats is not None
    assert stats.rounds == 2


# --- requests, httpx, httpx2, aiohttp -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["requests", "httpx", "httpx2"])
def test_reads_overlap_and_writes_keep_their_order(sim: xcs.Simulator, name: str) -> None:
    package: Package = pytest.importorskip(name)

    @xcs.jit
    def reads(session: Any, url: str) -> list[Any]:
        return [session.get(f"{url}/v1/models/m{i}").json()["id"] for i in range(6)]

    @xcs.jit
    def writes(session: Any, url: str) -> list[Any]:
        body = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
        return [session.post(f"{url}/v1/chat/completions", json=body).json()["model"] for _ in range(2)]

    with package.Session() if name == "requests" else package.Client() as session:
        same(reads, session, sim.base_url)
        assert flight(reads) == 6
        assert same(writes, session, sim.base_url) == ["m", "m"]
        assert flight(writes) <= 1
    same(reads, package, sim.base_url)
    assert flight(reads) == 6


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_a_transport_that_a_test_puts_in_place_sees_every_request(name: str) -> None:
    package: Package = pytest.importorskip(name)
    seen = []

    def handle(request: Any) -> Any:
        seen.append(request.url.path)
        return package.Response(200, json={"path": request.url.path})

    @xcs.jit
    def reads(client: Any) -> list[Any]:
        return [client.get(f"http://host/{i}").json()["path"] for i in range(4)]

    with package.Client(transport=package.MockTransport(handle)) as client:
        assert reads(client) == ["/0", "/1", "/2", "/3"]
    assert sorted(seen) == ["/0", "/1", "/2", "/3"]


@pytest.mark.parametrize("name", ["requests", "httpx", "httpx2"])
def test_exceptions_are_the_packages_own(name: str) -> None:
    package: Package = pytest.importorskip(name)
    of_package = package.ConnectionError if name == "requests" else package.ConnectError

    @xcs.jit
    def reads() -> list[Any]:
        return [package.get(f"http://127.0.0.1:1/{i}") for i in range(3)]

    with pytest.raises(of_package):
        reads()


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_streams_are_read_in_order(sim: xcs.Simulator, name: str) -> None:
    package: Package = pytest.importorskip(name)

    @xcs.jit
    def program(url: str) -> list[str]:
        lines = []
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
        for _ in range(2):
            with package.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
                lines += [line for line in response.iter_lines() if line == "data: [DONE]"]
        return lines

    assert same(program, sim.base_url) == ["data: [DONE]"] * 2


def test_an_adapter_that_a_test_mounts_sees_every_request() -> None:
    requests: Package = pytest.importorskip("requests")
    seen = []

    class Adapter(requests.adapters.BaseAdapter):  # type: ignore[misc]
        def send(self, request: Any, **_: Any) -> Any:
            seen.append(request.path_url)
            response = requests.Response()
            response.status_code, response.url, response._content = 200, request.url, b"mocked"
            return response

        def close(self) -> None:
            pass

    @xcs.jit
    def reads(session: Any) -> list[str]:
        return [session.get(f"http://host/{i}").text for i in range(4)]

    with requests.Session() as session:
        session.mount("http://", Adapter())
        assert reads(session) == ["mocked"] * 4
    assert sorted(seen) == ["/0", "/1", "/2", "/3"]


def test_streams_of_requests_are_read_in_order(sim: xcs.Simulator) -> None:
    requests: Package = pytest.importorskip("requests")

    @xcs.jit
    def program(url: str) -> list[str]:
        lines = []
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
        for _ in range(2):
            with requests.post(f"{url}/v1/chat/completions", json=body, stream=True) as response:
                lines += [line.decode() for line in response.iter_lines() if line == b"data: [DONE]"]
        return lines

    assert same(program, sim.base_url) == ["data: [DONE]"] * 2


def test_streams_of_aiohttp_are_read_in_order(sim: xcs.Simulator) -> None:
    aiohttp: Package = pytest.importorskip("aiohttp")

    @xcs.jit
    async def program(session: Any, url: str) -> list[str]:
        lines = []
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
        for _ in range(2):
            async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                async for line in response.content:
                    if line == b"data: [DONE]\n":
                        lines.append(line.decode().strip())
        return lines

    async def run() -> list[str]:
        async with aiohttp.ClientSession() as session:
            return await program(session, sim.base_url)

    assert asyncio.run(run()) == ["data: [DONE]"] * 2


def test_aiohttp_runs_unchanged(sim: xcs.Simulator) -> None:
    aiohttp: Package = pytest.importorskip("aiohttp")

    @xcs.jit
    async def fetch(session: Any, url: str) -> list[str]:
        names = []
        for i in range(3):
            async with session.get(f"{url}/v1/models/m{i}") as response:
                names.append((await response.json())["id"])
        return names

    async def program() -> list[str]:
        async with aiohttp.ClientSession() as session:
            return await fetch(session, sim.base_url)

    assert asyncio.run(program()) == ["m0", "m1", "m2"]

    async def refused() -> list[str]:
        async with aiohttp.ClientSession() as session:
            return await fetch(session, "http://127.0.0.1:1")

    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(refused())


# --- litellm ----------------------------------------------------------------------------------------------------------------------


of_litellm = pytest.mark.filterwarnings("ignore")  # it is imported piece by piece, and each piece warns


@pytest.fixture
def litellm(sim: xcs.Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    monkeypatch.setenv("OPENAI_BASE_URL", sim.base_url + "/v1")
    package: Package = pytest.importorskip("litellm")
    yield package
    for client in package.in_memory_llm_clients_cache.cache_dict.values():
        client.close()
    package.in_memory_llm_clients_cache.flush_cache()


@of_litellm
def test_completions_of_litellm_overlap(litellm: Package) -> None:
    @xcs.jit
    def program() -> list[str]:
        return [
            litellm.completion(
                model="openai/m", messages=[{"role": "user", "content": f"{i} {PROMPT}"}], num_retries=0
            )
            .choices[0]
            .message.content
            for i in range(6)
        ]

    assert same(program) == ["yes"] * 6
    assert flight(program) == 6


@of_litellm
def test_litellm_streams_in_order_and_passes_tools(litellm: Package) -> None:
    @xcs.jit
    def program() -> list[str]:
        messages = [{"role": "user", "content": PROMPT}]
        pieces = []
        for _ in range(2):
            for chunk in litellm.completion(model="openai/m", messages=messages, stream=True):
                pieces.append(chunk.choices[0].delta.content or "")
        called = litellm.completion(
            model="openai/m", messages=[{"role": "user", "content": "[call look {}]"}], tools=[TOOL]
        )
        return ["".join(pieces), called.choices[0].message.tool_calls[0].function.name]

    assert same(program) == ["yesyes", "look"]


@of_litellm
def test_exceptions_of_litellm_are_its_own(litellm: Package) -> None:
    @xcs.jit
    def program() -> list[Any]:
        messages = [{"role": "user", "content": "[fault quota always]"}]
        return [litellm.completion(model="openai/m", messages=messages, max_retries=0) for _ in range(2)]

    with pytest.raises(litellm.RateLimitError):
        program()


@of_litellm
def test_answers_that_litellm_is_told_to_make_up_are_seen(litellm: Package) -> None:
    @xcs.jit
    def program() -> list[str]:
        messages = [{"role": "user", "content": "x"}]
        made = [
            litellm.completion(model="openai/m", messages=messages, mock_response=f"mock {i}")
            for i in range(3)
        ]
        return [answer.choices[0].message.content for answer in made]

    assert same(program) == ["mock 0", "mock 1", "mock 2"]


# --- LangChain --------------------------------------------------------------------------------------------------------------------


def made(sim: xcs.Simulator, **options: Any) -> Any:
    langchain_openai: Package = pytest.importorskip("langchain_openai")
    return langchain_openai.ChatOpenAI(
        base_url=sim.base_url + "/v1", api_key="any", model="m", max_retries=0, stream_usage=False, **options
    )


@pytest.fixture
def chat_model(sim: xcs.Simulator) -> Iterator[Any]:
    with httpx2.Client() as http:
        yield made(sim, http_client=http)


@xcs.jit
def invoked(model: Any, prompts: list[str]) -> list[str]:
    return [model.invoke(prompt).content for prompt in prompts]


PROMPTS = [f"{i} {PROMPT}" for i in range(6)]


def test_chat_models_of_langchain_overlap(chat_model: Any) -> None:
    assert same(invoked, chat_model, PROMPTS) == ["yes"] * 6
    assert flight(invoked) == 6


def test_awaited_chat_models_overlap(sim: xcs.Simulator) -> None:
    @xcs.jit
    async def awaited(model: Any) -> list[str]:
        return [(await model.ainvoke(prompt)).content for prompt in PROMPTS]

    async def program() -> list[str]:
        async with httpx2.AsyncClient() as http:
            return await awaited(made(sim, http_async_client=http))

    assert asyncio.run(program()) == ["yes"] * 6
    assert flight(awaited) == 6


def test_chat_models_with_tools_overlap(chat_model: Any) -> None:
    @xcs.jit
    def called(model: Any) -> list[str]:
        answers = [model.invoke(f"{i} [call look {{}}]") for i in range(4)]
        return [answer.tool_calls[0]["name"] for answer in answers]

    assert same(called, chat_model.bind_tools([TOOL])) == ["look"] * 4
    assert flight(called) == 4


def test_streams_of_langchain_are_read_in_order(chat_model: Any) -> None:
    @xcs.jit
    def program(model: Any) -> list[str]:
        return ["".join(piece.content for piece in model.stream(PROMPT)) for _ in range(2)]

    assert same(program, chat_model) == ["yes", "yes"]


def test_exceptions_under_langchain_are_the_sdks(chat_model: Any) -> None:
    openai: Package = pytest.importorskip("openai")
    with pytest.raises(openai.RateLimitError):
        invoked(chat_model, ["[fault quota always]", PROMPT])


def test_callbacks_and_caches_of_langchain_see_the_calls_in_order(chat_model: Any) -> None:
    callbacks: Package = pytest.importorskip("langchain_core.callbacks")
    settings: Package = pytest.importorskip("langchain_core.globals")
    caches: Package = pytest.importorskip("langchain_core.caches")
    seen: list[str] = []

    class Recording(callbacks.BaseCallbackHandler):  # type: ignore[misc, name-defined]
        def on_chat_model_start(self, serialized: Any, messages: Any, **_: Any) -> None:
            seen.append(messages[0][0].content)

    watched = chat_model.model_copy(update={"callbacks": [Recording()]})
    assert invoked(watched, PROMPTS) == ["yes"] * 6
    assert seen == PROMPTS
    assert flight(invoked) <= 1
    with callbacks.get_usage_metadata_callback() as usage:
        invoked(chat_model, PROMPTS)
        assert flight(invoked) <= 1
        assert usage.usage_metadata
    settings.set_llm_cache(caches.InMemoryCache())
    try:
        invoked(chat_model, PROMPTS)
        assert flight(invoked) <= 1
    finally:
        settings.set_llm_cache(None)


def test_stand_ins_of_langchain_answer_in_order() -> None:
    fakes: Package = pytest.importorskip("langchain_core.language_models.fake_chat_models")
    model = fakes.FakeListChatModel(responses=["a", "b", "c"])
    assert invoked(model, PROMPTS[:3]) == ["a", "b", "c"]
    assert flight(invoked) <= 1
