"""Adopted clients and the limits that calls of xcs.llm keep, judged from the server's side."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest
import xcs

Made = Any  # a client


def openai_client(sim: xcs.Simulator, **options: Any) -> openai.OpenAI:
    return xcs.adopt(openai.OpenAI(base_url=sim.base_url + "/v1", **options))


def anthropic_client(sim: xcs.Simulator, **options: Any) -> anthropic.Anthropic:
    return xcs.adopt(anthropic.Anthropic(base_url=sim.base_url, **options))


def chat(client: Made, prompt: str) -> Any:
    return client.chat.completions.create(
        model="m", max_tokens=5, messages=[{"role": "user", "content": prompt}]
    )


def message(client: Made, prompt: str) -> Any:
    return client.messages.create(model="m", max_tokens=5, messages=[{"role": "user", "content": prompt}])


@xcs.jit
def chats(client: openai.OpenAI, prompts: list[str]) -> list[Any]:
    return [
        client.chat.completions.create(
            model="m", max_tokens=5, messages=[{"role": "user", "content": prompt}]
        )
        for prompt in prompts
    ]


@xcs.jit
def messages(client: anthropic.Anthropic, prompts: list[str]) -> list[Any]:
    return [
        client.messages.create(model="m", max_tokens=5, messages=[{"role": "user", "content": prompt}])
        for prompt in prompts
    ]


def test_calls_of_adopted_clients_are_paced_by_what_the_server_says() -> None:
    prompts = [f"question {i}" for i in range(100)]
    with xcs.Simulator(latency_ms=5, rpm=3000, burst_seconds=1) as sim:
        with openai_client(sim, api_key="paced") as client:
            assert len(chats(client, prompts)) == 100
        assert sim.stats()["limit_violations"] <= 1
        sim.reset()
        with anthropic_client(sim, api_key="paced too") as other:
            assert len(messages(other, prompts)) == 100
        assert sim.stats()["limit_violations"] <= 1


@pytest.mark.parametrize("make", [openai.AsyncOpenAI, anthropic.AsyncAnthropic])
def test_calls_of_asynchronous_adopted_clients_are_paced_too(make: Made) -> None:
    async def program(url: str) -> list[Any]:
        client = make(base_url=url, api_key="paced", max_retries=0)
        ask = chat if make is openai.AsyncOpenAI else message
        async with xcs.adopt(client):
            await ask(client, "first")
            return await asyncio.gather(*[ask(client, f"question {i}") for i in range(120)])

    with xcs.Simulator(latency_ms=5, rpm=3000, burst_seconds=60) as sim:
        url = sim.base_url + ("/v1" if make is openai.AsyncOpenAI else "")
        assert len(asyncio.run(program(url))) == 120
        assert sim.stats()["limit_violations"] == 0


def test_adopted_clients_and_native_calls_keep_one_limit() -> None:
    @xcs.jit
    def both(client: openai.OpenAI, url: str) -> None:
        for i in range(60):
            xcs.llm(f"native {i}", model="m", max_tokens=5, base_url=url, api_key="shared")
            chat(client, f"adopted {i}")

    with (
        xcs.Simulator(latency_ms=5, rpm=3000, burst_seconds=1) as sim,
        openai_client(sim, api_key="shared", max_retries=2) as client,
    ):
        both(client, sim.base_url)
        counters = sim.stats()
    assert counters["limit_violations"] <= 1
    assert counters["requests"] == 120 + counters["limit_violations"]


# Calls in flight at first; and those sent one at a time while the program was still making its calls.
FEW = 100


def test_an_account_that_is_used_up_fails_what_waits_with_the_providers_own_answer() -> None:
    with xcs.Simulator(latency_ms=20) as sim:
        with (
            openai_client(sim, api_key="poor") as client,
            pytest.raises(openai.RateLimitError) as raised,
        ):
            chats(client, [f"{i} [fault quota always]" for i in range(500)])
        assert raised.value.code == "credit_balance_exhausted"
        assert raised.value.status_code == 429
        assert sim.stats()["requests"] <= FEW
        sim.reset()
        with (
            anthropic_client(sim, api_key="poor too") as other,
            pytest.raises(anthropic.APIStatusError) as refused,
        ):
            messages(other, [f"{i} [fault spend_limit always]" for i in range(500)])
        assert refused.value.status_code == 429
        assert sim.stats()["requests"] <= FEW


def test_an_sdk_does_not_repeat_what_only_the_accounts_owner_can_cure() -> None:
    with xcs.Simulator(latency_ms=0) as sim:
        with openai_client(sim, api_key="out of money") as client, pytest.raises(openai.RateLimitError):
            chat(client, "[fault quota always]")
        assert sim.stats()["requests"] == 1

        async def program() -> None:
            adopted = xcs.adopt(anthropic.AsyncAnthropic(base_url=sim.base_url, api_key="out of money"))
            async with adopted:
                await message(adopted, "[fault spend_limit always]")

        with pytest.raises(anthropic.RateLimitError):
            asyncio.run(program())
        assert sim.stats()["requests"] == 2


def test_a_server_that_asks_for_a_pause_is_left_alone_by_all() -> None:
    with (
        xcs.Simulator(latency_ms=0) as sim,
        openai_client(sim, api_key="paused") as client,
        openai_client(sim, api_key="paused", max_retries=0) as strict,
    ):
        with pytest.raises(openai.RateLimitError):
            chat(strict, "[fault rate_limit always]")
        chats(client, [f"question {i}" for i in range(20)])
        counters = sim.stats()
        assert counters["by_status"] == {"200": 20, "429": 1}


def test_what_adopted_calls_take_is_counted_and_bounded() -> None:
    xcs.set_price("m", input=1.0, output=1000.0)
    try:
        with xcs.Simulator(latency_ms=0) as sim, openai_client(sim, api_key="any") as client:
            answers = chats(client, ["one", "two"])
            stats = xcs.stats(chats)
            assert stats is not None
            (spent,) = stats.spent
            assert (spent.model, spent.calls, spent.attempts, spent.failed) == ("m", 2, 2, 0)
            assert spent.output_tokens == sum(a.usage.completion_tokens for a in answers)
            assert spent.input_tokens == sum(a.usage.prompt_tokens for a in answers)
            requests = sim.stats()["requests"]
            with xcs.config(budget=0.001), pytest.raises(xcs.LLMError, match=r"budget of \$0.001"):
                chats(client, ["three"])
            assert sim.stats()["requests"] == requests
    finally:
        xcs.set_price("m", input=0.0, output=0.0)


def text_of(client: Made, prompt: str) -> str:
    """A streamed answer."""
    if isinstance(client, openai.OpenAI):
        chunks = client.chat.completions.create(
            model="m",
            max_tokens=5,
            stream=True,
            stream_options={"include_usage": True},
            messages=[{"role": "user", "content": prompt}],
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    with client.messages.stream(
        model="m", max_tokens=5, messages=[{"role": "user", "content": prompt}]
    ) as events:
        return "".join(events.text_stream)


streamed = xcs.op(text_of)


@pytest.mark.parametrize("make", [openai_client, anthropic_client])
def test_streams_of_adopted_clients_are_paced_and_counted(make: Made) -> None:
    @xcs.jit
    def both(client: Made, n: int) -> list[str]:
        early = [streamed(client, f"early {i}") for i in range(n)]
        return early + [text_of(client, f"late {i}") for i in range(3)]

    with (
        xcs.Simulator(latency_ms=5, rpm=3000, burst_seconds=1) as sim,
        make(sim, api_key="streams", max_retries=5) as client,
    ):
        assert all(both(client, 100))
        seen = sim.stats()
    assert seen["limit_violations"] <= 1
    spent = xcs.stats(both).spent
    assert sum(s.attempts for s in spent) == seen["requests"] == 103 + seen["limit_violations"]
    assert sum(s.output_tokens for s in spent) == seen["tokens"]["completion"]
    assert sum(s.input_tokens for s in spent) == seen["tokens"]["prompt"]


@pytest.mark.parametrize("fault", ["truncated", "reset", "stream_error"])
def test_a_stream_that_breaks_raises_what_the_sdk_makes_of_it(fault: str) -> None:
    with xcs.Simulator(latency_ms=5) as sim, openai_client(sim, api_key="any", max_retries=0) as client:
        with pytest.raises(openai.APIError):
            text_of(client, f"[fault {fault} always]")
        assert text_of(client, "and goes on")


@pytest.mark.parametrize("make", [openai.AsyncOpenAI, anthropic.AsyncAnthropic])
def test_calls_of_asynchronous_adopted_clients_are_counted_and_held_to_a_budget(make: Made) -> None:
    @xcs.jit
    async def ahead(client: Made, prompts: list[str], model: str = "priced") -> list[Any]:
        if make is openai.AsyncOpenAI:
            return [
                await client.chat.completions.create(
                    model=model, max_tokens=5, messages=[{"role": "user", "content": p}]
                )
                for p in prompts
            ]
        return [
            await client.messages.create(model=model, max_tokens=5, messages=[{"role": "user", "content": p}])
            for p in prompts
        ]

    async def program(url: str) -> None:
        async with xcs.adopt(make(base_url=url, api_key="any")) as client:
            assert len(await ahead(client, [f"question {i}" for i in range(20)])) == 20
            with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as raised:
                await ahead.with_config(budget=1e-9)(client, ["too much"])
            assert raised.value.status_code == 402
            assert "the budget of $1e-09" in str(raised.value)
            with pytest.raises((openai.APIStatusError, anthropic.APIStatusError), match="is not known"):
                await ahead.with_config(budget=1.0)(client, ["what does it cost?"], model="unpriced")
            # Outside any run there is no budget.
            assert await (chat if make is openai.AsyncOpenAI else message)(client, "free")

    xcs.set_price("priced", input=1.0, output=2.0)
    with xcs.Simulator(latency_ms=5) as sim:
        asyncio.run(program(sim.base_url + ("/v1" if make is openai.AsyncOpenAI else "")))
        seen = sim.stats()
    (spent,) = xcs.stats(ahead).spent
    assert (spent.calls, spent.attempts, spent.failed) == (20, 20, 0)
    assert seen["requests"] == 21


@pytest.mark.parametrize("make", [openai.AsyncOpenAI, anthropic.AsyncAnthropic])
def test_streams_of_asynchronous_adopted_clients_are_paced_and_counted(make: Made) -> None:
    @xcs.op
    async def streamed(client: Made, prompt: str) -> str:
        asked = [{"role": "user", "content": prompt}]
        if make is openai.AsyncOpenAI:
            chunks = await client.chat.completions.create(
                model="m",
                max_tokens=5,
                stream=True,
                stream_options={"include_usage": True},
                messages=asked,
            )
            return "".join([c.choices[0].delta.content or "" async for c in chunks if c.choices])
        async with client.messages.stream(model="m", max_tokens=5, messages=asked) as events:
            return "".join([text async for text in events.text_stream])

    @xcs.jit
    async def several(client: Made, n: int) -> list[str]:
        return [await streamed(client, f"question {i}") for i in range(n)]

    async def program(url: str) -> None:
        async with xcs.adopt(make(base_url=url, api_key="async streams", max_retries=5)) as client:
            assert all(await several(client, 80))

    with xcs.Simulator(latency_ms=5, rpm=3000, burst_seconds=1) as sim:
        asyncio.run(program(sim.base_url + ("/v1" if make is openai.AsyncOpenAI else "")))
        seen = sim.stats()
    assert seen["limit_violations"] <= 1
    (spent,) = xcs.stats(several).spent
    assert spent.attempts == seen["requests"] == 80 + seen["limit_violations"]
    assert spent.output_tokens == seen["tokens"]["completion"]
    assert spent.input_tokens == seen["tokens"]["prompt"]
