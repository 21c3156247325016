"""Tools, results with a shape, images, streams, embeddings, and what calls cost, against the simulator."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest
import xcs

pytestmark = pytest.mark.usefixtures("clean_environment")

PROVIDERS = ("openai", "responses", "anthropic")
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "XCS_PRICES",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def sim() -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=5) as running:
        yield running


def ask(sim: xcs.Simulator, prompt: Any, **options: Any) -> Any:
    return xcs.llm(prompt, **{"model": "sim", "base_url": sim.base_url, "api_key": "any", **options})


class Recorder:
    """A server that keeps what it is sent and answers every request with the same body."""

    def __init__(self, answer: dict[str, Any]) -> None:
        bodies: list[dict[str, Any]] = []
        headers: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.bodies, self.headers = bodies, headers
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


ANSWERS: dict[str, dict[str, Any]] = {
    "openai": {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]},
    "responses": {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}],
    },
    "anthropic": {"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"},
}


def sent(provider: str, prompt: Any, **options: Any) -> dict[str, Any]:
    """The body that a call sends."""
    with Recorder(ANSWERS[provider]) as server:
        assert xcs.llm(prompt, model="m", base_url=server.base_url, provider=provider, **options) == "x"
    return server.bodies[0]


# --- Results with a shape ----------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Pet:
    name: str
    kind: Literal["cat", "dog"]
    weight: float
    owner: str | None = None


PET = '{"name": "Ada", "kind": "cat", "weight": 4}'


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_becomes_an_object_of_a_dataclass(sim: xcs.Simulator, provider: str) -> None:
    assert ask(sim, f"[one of: {PET}]", provider=provider, response_format=Pet) == Pet("Ada", "cat", 4.0)
    whole = ask(sim, f"[one of: {PET}]", provider=provider, response_format=Pet, full=True)
    assert (whole.parsed, whole.text) == (Pet("Ada", "cat", 4.0), PET)


def test_an_answer_becomes_a_pydantic_model(sim: xcs.Simulator) -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Pet", name=(str, ...), weight=(float, ...))
    assert ask(sim, '[one of: {"name": "Ada", "weight": 4}]', response_format=model) == model(
        name="Ada", weight=4
    )
    with pytest.raises(xcs.LLMAnswerError, match="the answer is no Pet"):
        ask(sim, '[one of: {"name": "Ada"}]', response_format=model)


@pytest.mark.parametrize(
    "text",
    ["plum", "3", '{"name": "Ada", "kind": "cow", "weight": 4}', '{"name": "Ada"}', '{"name": 1, "kind": "cat", "weight": 4}',
     '{"name": "Ada", "kind": "cat", "weight": 4, "tail": true}'],
)  # fmt: skip
def test_an_answer_of_another_shape_is_an_error(sim: xcs.Simulator, text: str) -> None:
    with pytest.raises(xcs.LLMAnswerError, match="the answer is no Pet"):
        ask(sim, f"[one of: {text}]", response_format=Pet)


def test_each_provider_gets_the_schema_in_its_own_field() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "kind": {"enum": ["cat", "dog"]},
            "weight": {"type": "number"},
            "owner": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["name", "kind", "weight", "owner"],
        "additionalProperties": False,
    }
    bodies = {}
    for provider in PROVIDERS:
        with Recorder(ANSWERS[provider]) as server, pytest.raises(xcs.LLMAnswerError):
            xcs.llm(
                "x",
                model="m",
                base_url=server.base_url,
                provider=provider,
                response_format=Pet,
                reasoning_effort="low",
            )
        bodies[provider] = server.bodies[0]
    named = {"name": "Pet", "schema": schema, "strict": True}
    assert bodies["openai"]["response_format"] == {"type": "json_schema", "json_schema": named}
    assert bodies["openai"]["reasoning_effort"] == "low"
    assert bodies["responses"]["text"] == {"format": {"type": "json_schema", **named}}
    assert bodies["responses"]["reasoning"] == {"effort": "low"}
    assert bodies["anthropic"]["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": schema},
    }


def test_objects_of_a_jitted_loop_overlap(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def pets(n: int) -> list[Pet]:
        found = []
        for i in range(n):
            found.append(xcs.llm(f"{i} [one of: {PET}]", model="sim", base_url=url, response_format=Pet))
        return found

    assert pets(5) == [Pet("Ada", "cat", 4.0)] * 5
    run = xcs.stats(pets)
    assert run is not None
    assert (run.rounds, run.most_in_flight) == (1, 5)


# --- Tools -------------------------------------------------------------------------------------------------------------


def weather(city: str, days: int = 1) -> str:
    """The weather in a city."""
    return f"{city}: sun for {days} days"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_calls_a_tool_and_gets_its_result(sim: xcs.Simulator, provider: str) -> None:
    prompt = '[call weather {"city": "Oslo", "days": 2}]'
    answer = ask(sim, prompt, provider=provider, tools=[weather], full=True)
    (call,) = answer.tool_calls
    assert (call.name, call.arguments, answer.text) == ("weather", {"city": "Oslo", "days": 2}, "")
    messages = [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": answer.text, "tool_calls": answer.tool_calls},
        {"role": "tool", "tool_call_id": call.id, "content": weather(**call.arguments)},
        {"role": "user", "content": "So? [one of: sun]"},
    ]
    assert ask(sim, messages, provider=provider, tools=[weather]) == "sun"


def test_each_provider_gets_tools_and_their_results_in_its_own_form() -> None:
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "", "tool_calls": [xcs.ToolCall("c1", "weather", {"city": "Oslo"})]},
        {"role": "tool", "tool_call_id": "c1", "content": "sun"},
    ]
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    }
    described = {"name": "weather", "description": "The weather in a city."}
    body = sent("openai", messages, tools=[weather], tool_choice="weather")
    assert body["tools"] == [{"type": "function", "function": {**described, "parameters": parameters}}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    function = {"name": "weather", "arguments": '{"city":"Oslo"}'}
    assert body["messages"][1]["tool_calls"] == [{"id": "c1", "type": "function", "function": function}]
    assert body["messages"][2] == {"role": "tool", "tool_call_id": "c1", "content": "sun"}
    body = sent("responses", messages, tools=[weather], tool_choice="required")
    assert body["tools"] == [{"type": "function", **described, "parameters": parameters}]
    assert body["tool_choice"] == "required"
    assert body["input"][1] == {"type": "function_call", "call_id": "c1", **function}
    assert body["input"][2] == {"type": "function_call_output", "call_id": "c1", "output": "sun"}
    body = sent("anthropic", messages, tools=[weather], tool_choice="required")
    assert body["tools"] == [{**described, "input_schema": parameters}]
    assert body["tool_choice"] == {"type": "any"}
    used = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Oslo"}}
    assert body["messages"][1] == {"role": "assistant", "content": [used]}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "sun"}
    assert body["messages"][2] == {"role": "user", "content": [result]}


# --- Images, servers -----------------------------------------------------------------------------------------------------


def test_each_provider_gets_images_in_its_own_form() -> None:
    content = ["look", PNG, {"type": "image", "url": "https://example.org/x.png"}]
    data = "iVBORw0KGgogYW5kIHNvIG9u"
    messages = [{"role": "user", "content": content}]
    parts = sent("openai", messages)["messages"][0]["content"]
    assert parts[0] == {"type": "text", "text": "look"}
    assert parts[1] == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    assert parts[2] == {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}
    parts = sent("responses", messages)["input"][0]["content"]
    assert parts[0] == {"type": "input_text", "text": "look"}
    assert parts[1] == {"type": "input_image", "image_url": f"data:image/png;base64,{data}"}
    parts = sent("anthropic", messages)["messages"][0]["content"]
    assert parts[1]["source"] == {"type": "base64", "media_type": "image/png", "data": data}
    assert parts[2]["source"] == {"type": "url", "url": "https://example.org/x.png"}


def test_an_address_with_a_query_keeps_it() -> None:
    with Recorder(ANSWERS["openai"]) as server:
        xcs.llm("x", model="m", base_url=server.base_url + "/openai/deployments/d?api-version=1", api_key="k")
    assert server.headers[0]["path"] == "/openai/deployments/d/chat/completions?api-version=1"
    assert server.headers[0]["authorization"] == "Bearer k"


# --- Streams -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_gives_the_text_in_pieces_and_then_the_whole_answer(
    sim: xcs.Simulator, provider: str
) -> None:
    whole = ask(sim, "Say something.", provider=provider, full=True)
    stream = ask(sim, "Say something.", provider=provider, stream=True)
    pieces = list(stream)
    assert len(pieces) > 3
    assert "".join(pieces) == whole.text
    assert stream.answer is not None
    assert (stream.answer.text, stream.answer.usage) == (whole.text, whole.usage)


def test_a_stream_that_is_left_ends_its_request(sim: xcs.Simulator) -> None:
    with ask(sim, "x [fault black_hole always]", stream=True) as stream:
        assert stream.answer is None
    assert list(stream) == []


def test_a_stream_raises_what_it_failed_with(sim: xcs.Simulator) -> None:
    with pytest.raises(xcs.LLMAuthenticationError), xcs.Simulator(latency_ms=0, api_key="right") as strict:
        list(ask(strict, "x", api_key="wrong", stream=True))


def test_a_stream_in_a_jitted_function_is_read_in_order(sim: xcs.Simulator) -> None:
    url = sim.base_url
    seen: list[str] = []

    @xcs.jit
    def read(n: int) -> list[str]:
        texts = []
        for i in range(n):
            text = ""
            for piece in xcs.llm(f"{i} Pick. [one of: plum]", model="sim", base_url=url, stream=True):
                text += piece
            seen.append(text)
            texts.append(text)
        return texts

    assert read(3) == seen == ["plum"] * 3


# --- Embeddings ----------------------------------------------------------------------------------------------------------------


def embed(sim: xcs.Simulator, text: str, **options: Any) -> list[float]:
    return xcs.embed(
        text, model="sim-embedding", base_url=sim.base_url, api_key="any", dimensions=8, **options
    )


def test_embeddings_that_wait_together_are_one_request(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def vectors(n: int) -> list[list[float]]:
        return [
            xcs.embed(f"text {i}", model="sim-embedding", base_url=url, api_key="any", dimensions=8)
            for i in range(n)
        ]

    expected = [embed(sim, f"text {i}") for i in range(50)]
    before = sim.stats()["by_endpoint"]["embeddings"]
    assert vectors(50) == expected
    assert sim.stats()["by_endpoint"]["embeddings"] == before + 1
    run = xcs.stats(vectors)
    assert run is not None
    assert (run.calls, run.rounds) == (50, 1)
    assert [(s.calls, s.attempts) for s in run.spent] == [(50, 1)]


def test_embeddings_with_other_options_are_another_request(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def vectors() -> list[int]:
        found = []
        for i in range(6):
            found.append(xcs.embed(f"{i}", model="m", base_url=url, api_key="any", dimensions=4 + i % 2))
        return [len(vector) for vector in found]

    before = sim.stats()["by_endpoint"]["embeddings"]
    assert vectors() == [4, 5] * 3
    assert sim.stats()["by_endpoint"]["embeddings"] == before + 2


def test_an_input_that_is_refused_fails_alone(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def vectors() -> list[str]:
        found = []
        for text in ("one", "", "three"):
            try:
                found.append(str(len(xcs.embed(text, model="m", base_url=url, api_key="any", dimensions=4))))
            except xcs.LLMError as error:
                found.append(error.code)
        return found

    assert vectors() == ["4", "llm.bad_request", "4"]


# --- Money ---------------------------------------------------------------------------------------------------------------------


def test_what_calls_take_is_counted_by_place_and_model(sim: xcs.Simulator) -> None:
    url = sim.base_url
    xcs.set_price("priced", input=1.0, output=2.0)

    @xcs.jit
    def run(n: int) -> None:
        for i in range(n):
            xcs.llm(f"{i}", model="priced", base_url=url, max_tokens=5)
            xcs.llm(f"{i} [fault server_error]", model="unheard-of", base_url=url, max_tokens=5)

    run(3)
    stats = xcs.stats(run)
    assert stats is not None
    priced, unknown = stats.spent
    assert (priced.model, priced.calls, priced.attempts, priced.output_tokens) == ("priced", 3, 3, 15)
    assert priced.cost == pytest.approx((priced.input_tokens + 2 * 15) / 1e6)
    assert (unknown.model, unknown.calls, unknown.attempts, unknown.failed) == ("unheard-of", 3, 6, 0)
    assert unknown.line == priced.line + 1
    assert unknown.cost is None
    assert stats.cost is None, "what is not known is never counted as nothing"


def test_known_models_have_a_price_that_the_user_can_override(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xcs._prices import price_of

    shipped = price_of("gpt-4o-2024-08-06")
    assert shipped is not None
    assert shipped.output > shipped.input > shipped.cached_input > 0
    assert price_of("nobody-knows") is None
    file = tmp_path / "prices.toml"
    file.write_text('"gpt-4o" = { input = 1, output = 2 }\n')
    monkeypatch.setenv("XCS_PRICES", str(file))
    assert price_of("gpt-4o-2024-08-06") == xcs.Price(1.0, 2.0, 1.0, 1.0)
    file.write_text('"x" = { input = "dear" }\n')
    monkeypatch.setenv("XCS_PRICES", str(file) + " ")
    with pytest.raises(xcs.UsageError, match="cannot read prices"):
        price_of("x")


def test_a_budget_is_never_exceeded_and_says_what_was_spent(sim: xcs.Simulator) -> None:
    url = sim.base_url
    xcs.set_price("dear", input=0.0, output=1e6)  # a dollar for a token

    @xcs.jit(budget=10.0)
    def run(n: int) -> list[str]:
        return [xcs.llm(f"{i}", model="dear", base_url=url, max_tokens=3) for i in range(n)]

    assert len(run(3)) == 3
    with pytest.raises(
        xcs.LLMBillingError, match=r"the budget of \$10 does not allow this call, which may cost \$3"
    ):
        run(20)
    stats = xcs.stats(run)
    assert stats is not None
    assert stats.cost is not None
    assert 0 < stats.cost <= 10


def test_a_budget_holds_wherever_the_functions_calls_are_made_from(sim: xcs.Simulator) -> None:
    xcs.set_price("dear", input=0.0, output=1_000_000.0)  # a dollar a token
    url = sim.base_url

    def ask(prompt: str, **options: Any) -> Any:
        return xcs.llm(prompt, model="dear", base_url=url, api_key="any", max_tokens=3, **options)

    @xcs.op
    def early(prompt: str) -> str:
        return ask(prompt) + "".join(ask(prompt, stream=True))

    @xcs.jit
    def ahead() -> list[str]:
        return [early(f"call {i}") for i in range(5)]

    @xcs.jit
    def streams() -> list[str]:
        return ["".join(ask(f"call {i}", stream=True)) for i in range(5)]

    @xcs.jit
    def unknown(function: Any) -> list[str]:
        return [function(f"call {i}") for i in range(5)]

    for program in (
        ahead,
        streams,
        lambda: unknown(ask),
        lambda: xcs.jit(lambda: [ask("x") for _ in range(5)])(),
    ):
        sim.reset()
        with pytest.raises(xcs.LLMBillingError), xcs.config(budget=7.0):
            program()
        assert sim.stats()["tokens"]["completion"] <= 7
        assert 2 <= sim.stats()["requests"] <= 2 + 5


def test_a_budget_needs_a_price_and_a_bound(sim: xcs.Simulator) -> None:
    url = sim.base_url
    xcs.set_price("dear", input=0.0, output=1e6)

    @xcs.jit(budget=10.0)
    def run(model: str, most: int | None) -> str:
        return xcs.llm("x", model=model, base_url=url, max_tokens=most)

    with pytest.raises(
        xcs.UsageError, match=r"the price of the model nobody-knows is not known.*xcs\.set_price"
    ):
        run("nobody-knows", 5)
    with pytest.raises(xcs.UsageError, match="give max_tokens"):
        run("dear", None)
    with pytest.raises(xcs.UsageError, match="budget must be a number"):
        run.with_config(budget="much")


@pytest.mark.parametrize("version", [None, "2023-06-01", "2026-10-21"])
def test_both_versions_of_anthropics_api_answer(version: str | None) -> None:
    with xcs.Simulator(latency_ms=0, api_key="secret") as sim:
        answer = xcs.llm(
            "Pick. [one of: plum]",
            model="claude",
            base_url=sim.base_url,
            api_key="secret",
            api_version=version,
        )
    assert answer == "plum"


def test_sampling_parameters_that_the_newer_version_has_no_more_are_not_sent(sim: xcs.Simulator) -> None:
    @xcs.jit
    def run() -> str:
        return ask(sim, "x", provider="anthropic", api_version="2026-10-21", temperature=0.0)

    before = sim.stats()["requests"]
    with pytest.raises(xcs.UsageError, match="no temperature from version 2026-10-21 on"):
        run()
    assert sim.stats()["requests"] == before


# --- Stragglers ----------------------------------------------------------------------------------------------------------------


def test_a_call_that_takes_longer_than_most_is_sent_again_and_the_first_answer_counts(
    sim: xcs.Simulator,
) -> None:
    url = sim.base_url

    @xcs.jit
    def run(n: int, fault: str) -> list[str]:
        return [xcs.llm(f"{i} [one of: plum] {fault}", model="hedged", base_url=url) for i in range(n)]

    assert run(60, "") == ["plum"] * 60
    # The first attempt of each is never answered; the hedge is the second.
    hedged = run.with_config(hedge=1.0)
    xcs.set_price("hedged", input=1e6, output=0)
    assert hedged(2, "[fault black_hole]") == ["plum"] * 2
    stats = xcs.stats(hedged)
    assert stats is not None
    (spent,) = stats.spent
    assert (spent.calls, spent.attempts, spent.lost, spent.failed) == (2, 4, 2, 0)
    assert (spent.hedges, spent.hedges_won) == (2, 2)
    assert spent.hedge_saved >= 0
    assert spent.hedge_cost == spent.cost == spent.input_tokens > 0
