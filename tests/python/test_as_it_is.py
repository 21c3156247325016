"""Budgets of functions that run as they are, and of the coroutines and generators that they make."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Iterator
from typing import Any

import openai
import pytest
import xcs


@pytest.fixture(scope="module")
def sim() -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=2) as simulator:
        yield simulator


@xcs.jit
async def awaited(function: Callable[[str], Any], n: int) -> list[Any]:
    return [await function(f"call {i}") for i in range(n)]


@xcs.jit
async def gathered(function: Callable[[str], Any], n: int) -> list[Any]:
    return await asyncio.gather(*[function(f"call {i}") for i in range(n)])


@pytest.mark.parametrize("program", [awaited, gathered])
@pytest.mark.parametrize("kind", ["native", "adopted"])
def test_a_budget_holds_in_what_is_awaited(sim: xcs.Simulator, program: Any, kind: str) -> None:
    xcs.set_price("dear", input=0.0, output=1_000_000.0)  # a dollar a token
    sim.reset()

    async def run() -> None:
        async with xcs.adopt(openai.AsyncOpenAI(base_url=sim.base_url + "/v1", api_key="any")) as client:

            async def ask(prompt: str) -> Any:
                if kind == "native":
                    await asyncio.sleep(0)
                    return xcs.llm(prompt, model="dear", base_url=sim.base_url, api_key="any", max_tokens=3)
                return await client.chat.completions.create(
                    model="dear", max_tokens=3, messages=[{"role": "user", "content": prompt}]
                )

            with pytest.raises((xcs.LLMBillingError, openai.APIStatusError)), xcs.config(budget=7.0):
                await program(ask, 5)
            assert sim.stats()["tokens"]["completion"] <= 7
            assert 1 <= sim.stats()["requests"] <= 7
            assert len(await program(ask, 5)) == 5  # without one

    asyncio.run(run())


def test_a_budget_holds_in_a_generator(sim: xcs.Simulator) -> None:
    xcs.set_price("dear", input=0.0, output=1_000_000.0)

    def ask(prompt: str) -> str:
        return xcs.llm(prompt, model="dear", base_url=sim.base_url, api_key="any", max_tokens=3)

    @xcs.jit(budget=7.0)
    def generate(function: Callable[[str], str]) -> Iterator[str]:
        for i in range(5):
            yield function(f"call {i}")

    got: list[str] = []
    with pytest.raises(xcs.LLMBillingError):
        got.extend(generate(ask))
    assert 2 <= len(got) < 5


def test_with_a_budget_they_are_driven_as_without_one() -> None:
    @xcs.jit
    async def coroutine(log: list[Any]) -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            log.append(type(error))
            raise
        return "late"

    @xcs.jit
    def echo(log: list[Any]) -> Generator[Any, Any, None]:
        sent = None
        while True:
            try:
                sent = yield sent
                log.append(sent)
            except KeyError:
                log.append("thrown")
            except GeneratorExit:
                log.append("closed")
                raise

    async def run() -> list[Any]:
        log: list[Any] = []
        made = coroutine(log)
        assert inspect.iscoroutine(made)
        assert made.__name__ == "coroutine"
        task = asyncio.create_task(made)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        generator: Any = echo(log)
        assert inspect.isgenerator(echo([]))
        assert next(generator) is None
        assert generator.send(1) == 1
        assert generator.throw(KeyError) == 1
        generator.close()
        with pytest.raises(StopIteration):
            next(generator)
        return log

    plain = asyncio.run(run())
    with xcs.config(budget=1.0):
        assert asyncio.run(run()) == plain == [asyncio.CancelledError, 1, "thrown", "closed"]


def test_a_run_that_is_closed_leaves_its_budget(sim: xcs.Simulator) -> None:
    xcs.set_price("dear", input=0.0, output=1_000_000.0)

    @xcs.jit(budget=1e-9)
    async def program() -> str:
        await asyncio.sleep(10)
        return xcs.llm("too dear", model="dear", base_url=sim.base_url, api_key="any", max_tokens=3)

    async def run() -> str:
        begun = program()
        begun.send(None)
        begun.close()
        return xcs.llm("not a part of it", model="dear", base_url=sim.base_url, api_key="any", max_tokens=3)

    assert asyncio.run(run())
