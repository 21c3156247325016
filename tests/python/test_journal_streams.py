"""Journals of runs that read streamed answers: what ended as it should is not asked for again."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import xcs

from .interruption import Stop, interrupted

Made = Any  # a client
KEY = "sk-very-secret"


@pytest.fixture(scope="module")
def sim() -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=2) as simulator:
        yield simulator


@pytest.fixture
def journal(sim: xcs.Simulator, tmp_path: Path) -> str:
    sim.reset()
    return str(tmp_path / "journal.db")


def client_of(kind: str, sim: xcs.Simulator) -> Made:
    if kind == "openai":
        return xcs.adopt(openai.OpenAI(base_url=sim.base_url + "/v1", api_key=KEY))
    return xcs.adopt(anthropic.Anthropic(base_url=sim.base_url, api_key=KEY))


def stats(function: Any) -> Any:
    return xcs.stats(function)


def record(function: Any) -> Any:
    return stats(function).record


def native(url: str, prompt: str) -> tuple[list[str], Any]:
    stream = xcs.llm(prompt, model="m", base_url=url, api_key=KEY, stream=True)
    pieces = list(stream)
    return pieces, stream.answer


@xcs.jit
def natively(url: str, prompts: list[str]) -> list[Any]:
    out = []
    for prompt in prompts:
        stream = xcs.llm(prompt, model="m", base_url=url, api_key=KEY, stream=True)
        out.append(([piece for piece in stream], stream.answer))  # noqa: C416 - code of the run's own
    return out


def pieces_of(client: Made, prompt: str) -> list[str]:
    """The pieces, and what the SDK says of the end."""
    asked: Any = [{"role": "user", "content": prompt}]
    if isinstance(client, openai.OpenAI):
        chunks = list(client.chat.completions.create(model="m", messages=asked, stream=True))
        return [str(chunk.choices[0].delta.content) + str(chunk.choices[0].finish_reason) for chunk in chunks]
    with client.messages.stream(model="m", max_tokens=50, messages=asked) as stream:
        texts = list(stream.text_stream)
        return [*texts, str(stream.get_final_message().usage.output_tokens)]


@xcs.jit
def by_sdk(client: Made, prompts: list[str]) -> list[list[str]]:
    return [pieces_of(client, prompt) for prompt in prompts]


def test_a_stream_that_ended_is_answered_from_the_journal_in_the_same_pieces(  # S11
    sim: xcs.Simulator, journal: str
) -> None:
    prompts = ["tell me", "and me", "tell me"]
    plain = [native(sim.base_url, prompt)[0] for prompt in prompts]
    sim.reset()
    with interrupted(journal=journal):
        first = natively(sim.base_url, prompts)
    assert record(natively).kept == 3
    with interrupted(journal=journal):
        again = natively(sim.base_url, [*prompts, "one more"])
    assert [pieces for pieces, _ in first] == plain
    assert again[:3] == first
    assert len(plain[0]) > 1
    assert sim.stats()["requests"] == 4
    assert (record(natively).recalled, record(natively).kept) == (3, 1)
    with interrupted(journal=journal):
        assert natively(sim.base_url, [*prompts, "one more"]) == again
    assert sim.stats()["requests"] == 4
    assert stats(natively).spent == ()  # nothing was paid for
    for file in Path(journal).parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_streams_of_adopted_clients_are_answered_from_the_journal(
    sim: xcs.Simulator, journal: str, kind: str
) -> None:
    prompts = ["tell me", "and me", "tell me"]
    with client_of(kind, sim) as client:
        plain = [pieces_of(client, prompt) for prompt in prompts]
        sim.reset()
        for _ in range(2):
            with interrupted(journal=journal):
                assert by_sdk(client, prompts) == plain
    assert sim.stats()["requests"] == 3
    assert record(by_sdk).recalled == 3


def test_streams_of_asynchronous_adopted_clients_are_answered_from_the_journal(
    sim: xcs.Simulator, journal: str
) -> None:
    @xcs.jit
    async def program(client: openai.AsyncOpenAI, prompts: list[str]) -> list[str]:
        out = []
        for prompt in prompts:
            asked: Any = [{"role": "user", "content": prompt}]
            text = ""
            async for chunk in await client.chat.completions.create(model="m", messages=asked, stream=True):
                text += chunk.choices[0].delta.content or ""
            out.append(text)
        return out

    async def twice() -> list[list[str]]:
        async with openai.AsyncOpenAI(base_url=sim.base_url + "/v1", api_key=KEY) as client:
            answers = []
            for _ in range(2):
                with interrupted(journal=journal):
                    answers.append(await program(xcs.adopt(client), ["a", "b", "a"]))
            return answers

    first, second = asyncio.run(twice())
    assert first == second
    assert sim.stats()["requests"] == 3
    assert record(program).recalled == 3


def test_streams_within_a_call_that_did_not_finish_are_not_asked_for_again(
    sim: xcs.Simulator, journal: str
) -> None:
    broken = [True]

    @xcs.op
    def both(url: str, prompt: str) -> str:
        text = "".join(native(url, prompt)[0])
        if prompt == "b" and broken[0]:
            raise Stop
        return text + "".join(native(url, prompt)[0])

    @xcs.jit
    def program(url: str, prompts: list[str]) -> list[str]:
        return [both(url, prompt) for prompt in prompts]

    with pytest.raises(Stop), xcs.config(journal=journal):
        program(sim.base_url, ["a", "b"])
    assert sim.stats()["requests"] == 3
    broken[0] = False
    with interrupted(journal=journal):
        answers = program(sim.base_url, ["a", "b"])
    assert sim.stats()["requests"] == 4
    assert all(answers)
    assert record(program).recalled == 2


@pytest.mark.parametrize("kind", ["openai", "anthropic", "native"])
def test_a_stream_that_broke_is_asked_for_again(sim: xcs.Simulator, journal: str, kind: str) -> None:
    @xcs.jit
    def breaks(client: Made, prompt: str) -> Any:
        return native(sim.base_url, prompt) if kind == "native" else pieces_of(client, prompt)

    with client_of("openai" if kind == "native" else kind, sim) as client:
        for _ in range(2):
            with (
                pytest.raises((openai.APIError, anthropic.APIError, httpx2.TransportError, xcs.LLMError)),
                xcs.config(journal=journal),
            ):
                breaks(client, "[fault truncated always]")
            assert record(breaks).recalled == record(breaks).kept == 0


@pytest.mark.parametrize("kind", ["openai", "anthropic", "native"])
def test_a_stream_that_was_left_before_its_end_is_asked_for_again(journal: str, kind: str) -> None:
    @xcs.jit
    def leaves(client: Made, prompt: str) -> str:
        if kind == "native":
            with xcs.llm(prompt, model="m", base_url=slow.base_url, api_key=KEY, stream=True) as pieces:
                return next(pieces)
        return first_of(client, prompt)

    with (
        xcs.Simulator(first_byte_ms=1, tokens_per_second=2) as slow,
        client_of("openai" if kind == "native" else kind, slow) as client,
    ):
        for asked in (1, 2):
            with interrupted(journal=journal):
                leaves(client, "long enough to be left")
            assert record(leaves).recalled == record(leaves).kept == 0
            assert slow.stats()["requests"] == asked


def first_of(client: Made, prompt: str) -> str:
    asked: Any = [{"role": "user", "content": prompt}]
    if isinstance(client, openai.OpenAI):
        with client.chat.completions.create(model="m", messages=asked, stream=True) as chunks:
            return str(next(iter(chunks)).object)
    with client.messages.stream(model="m", max_tokens=50, messages=asked) as stream:
        return str(next(iter(stream.text_stream)))
