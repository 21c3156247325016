"""Coroutine functions under jit: awaits of independent calls overlap, and what can be observed is as if they did not."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import inspect
import random
import traceback
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import xcs


class Service:
    """Answers in an order drawn from a seed. No call ends before `width` have begun."""

    def __init__(self) -> None:
        self.start(0, 1)

    def start(self, seed: int, width: int) -> None:
        self.calls: list[str] = []
        self.effects: list[Any] = []
        self.active = 0
        self.cancelled: list[str] = []
        self.width = width
        self.random = random.Random(seed)

    async def ask(self, prompt: str) -> str:
        self.calls.append(prompt)
        self.active += 1
        try:
            given_up = asyncio.get_running_loop().time() + 20  # blocking calls begin on other threads
            while len(self.calls) < self.width:
                assert asyncio.get_running_loop().time() < given_up, (
                    f"{len(self.calls)} calls, not {self.width}"
                )
                await asyncio.sleep(0)
            for _ in range(self.random.randrange(4) if self.width > 1 else 1):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(prompt)
            raise
        finally:
            self.active -= 1
        if "bad" in prompt:
            raise ValueError(prompt)
        return f"<{prompt}>"


SERVICE = Service()


@xcs.op
async def ask(prompt: str) -> str:
    return await SERVICE.ask(prompt)


@xcs.op
def ask_later(prompt: str) -> Coroutine[Any, Any, str]:
    return SERVICE.ask(prompt)


@xcs.op
def ask_blocking(prompt: str) -> str:
    SERVICE.calls.append(prompt)
    return f"<{prompt}>"


@xcs.op(effect="ordered", resource="disk")
async def save(what: str) -> None:
    SERVICE.effects.append(("begin", what))
    await asyncio.sleep(0)
    SERVICE.effects.append(("end", what))


async def undeclared(what: str) -> str:
    SERVICE.effects.append(("begin", what))
    await asyncio.sleep(0)
    SERVICE.effects.append(("end", what))
    return what.upper()


def log(effect: Any) -> None:
    SERVICE.effects.append(effect)


AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]


def observe(
    function: AsyncFunction, arguments: tuple[Any, ...], seed: int, width: int
) -> tuple[str, list[str]]:
    SERVICE.start(seed, width)
    try:
        result: Any = ("returned", asyncio.run(function(*arguments)))
    except Exception as error:  # noqa: BLE001 - compared
        result = ("raised", type(error), error.args, repr(error.__cause__), repr(error.__context__))
    assert SERVICE.active == 0, "a call outlives the run"
    return repr((result, SERVICE.effects, arguments)), SERVICE.calls


def check(
    function: AsyncFunction,
    make: Callable[[], tuple[Any, ...]] = tuple,
    *,
    width: int = 1,
    rounds: int | None = None,
) -> xcs.Stats:
    expected, calls = observe(function, make(), 0, 1)
    jitted = xcs.jit(function)
    for seed in range(4):
        actual, made = observe(jitted, make(), seed, width)
        assert actual == expected, f"seed {seed}"
        assert sorted(made) == sorted(calls) or "raised" in actual, f"seed {seed}"
    stats = xcs.stats(jitted)
    assert stats is not None
    if rounds is not None:
        assert stats.rounds == rounds
    return stats


def test_awaits_of_independent_calls_overlap() -> None:
    async def three() -> tuple[str, ...]:
        a = await ask("a")
        b = await ask("b")
        return a, b, await ask("c")

    check(three, width=3, rounds=1)


def test_a_loop_of_awaits_overlaps_and_its_effects_stay_in_order() -> None:
    async def each(prompts: list[str]) -> list[str]:
        answers: list[str] = []
        for prompt in prompts:
            answer = await ask(prompt)
            log(answer)
            answers.append(answer)
        return answers

    check(each, lambda: (["a", "b", "c", "d"],), width=4, rounds=1)


def test_coroutine_functions_are_entered_like_functions() -> None:
    async def refined(prompt: str, out: list[str]) -> str:
        first = await ask(prompt)
        second = await ask(first)
        out.append(second)
        return second

    async def all_of_them(prompts: list[str]) -> tuple[list[str], list[str]]:
        out: list[str] = []
        return [await refined(prompt, out) for prompt in prompts], out

    check(all_of_them, lambda: (["a", "b", "c"],), width=3, rounds=2)


def test_a_coroutine_function_is_entered_before_its_arguments_are_there() -> None:
    async def describe(answer: str, topic: str) -> str:
        return await ask(topic) + answer

    async def main() -> list[str]:
        return [await describe(await ask(f"q{i}"), f"t{i}") for i in range(3)]

    check(main, width=6, rounds=1)


class Client:
    def __init__(self) -> None:
        self.calls = 0

    async def create(self, prompt: str) -> str:
        self.calls += 1
        answer = await ask(prompt)
        self.last = answer
        return answer


def test_methods_that_are_coroutine_functions_are_entered() -> None:
    async def main() -> tuple[list[str], int, str]:
        client = Client()
        answers = [await client.create(f"{i}") for i in range(3)]
        return answers, client.calls, client.last

    check(main, width=3, rounds=1)


def test_an_op_may_return_an_awaitable() -> None:
    async def main() -> list[str]:
        return [await ask_later(f"{i}") for i in range(3)]

    check(main, width=3, rounds=1)


def test_functions_that_give_coroutines_may_be_in_between() -> None:
    def wrapped(prompt: str) -> Coroutine[Any, Any, str]:
        return ask("about " + prompt)

    async def main() -> list[str]:
        bound = functools.partial(ask, "partial")
        answers = [await wrapped(f"{i}") for i in range(3)]
        return [*answers, await bound()]

    check(main, width=4, rounds=1)


def test_a_coroutine_may_be_awaited_after_it_was_made() -> None:
    async def main() -> tuple[str, str, str]:
        one, two = ask("one"), ask("two")
        log("between")
        second = await two
        return await one, second, await ask("three")

    check(main, width=3, rounds=1)


def test_awaiting_a_coroutine_twice_is_the_error_it_is() -> None:
    async def main() -> str:
        once = ask("once")
        return await once + await once

    check(main)


def test_blocking_calls_overlap_with_awaited_ones() -> None:
    async def main() -> tuple[str, ...]:
        first = ask_blocking("first")
        second = await asyncio.to_thread(ask_blocking, "second")
        return first, second, await ask("third")

    check(main, width=3, rounds=1)


def test_an_exception_in_a_loop_is_handled_where_it_is() -> None:
    async def main() -> list[str]:
        out: list[str] = []
        for prompt in ("a", "bad b", "c", "bad d"):
            try:
                out.append(await ask(prompt))
            except ValueError as error:
                log(str(error))
                out.append(f"failed: {error}")
            finally:
                log("done " + prompt)
        return out

    check(main, width=4, rounds=1)


def test_the_first_exception_in_program_order_is_raised_and_it_is_the_same_object() -> None:
    kept: list[BaseException] = []

    @xcs.op
    async def fail(name: str, turns: int) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        kept.append(KeyError(name))
        raise kept[-1]

    @xcs.jit
    async def main() -> str:
        slow = await fail("slow", 6)
        return slow + await fail("quick", 1)

    with pytest.raises(KeyError, match="slow") as info:
        asyncio.run(main())
    assert info.value in kept
    assert [type(e) for e in kept] == [KeyError, KeyError]
    lines = traceback.extract_tb(info.value.__traceback__)
    assert [line.name for line in lines if line.filename == __file__][-2:] == ["main", "fail"]


def test_a_retry_loop_with_a_pause_tries_as_often_as_it_would() -> None:
    async def attempt(name: str) -> str:
        for i in range(3):
            try:
                return await ask(f"{name} {i}" if i == 2 else f"{name} bad {i}")
            except ValueError:
                log(f"{name} {i}")
                await asyncio.sleep(0)
        raise RuntimeError(name)

    async def main() -> list[str]:
        return [await attempt(name) for name in ("x", "y")]

    check(main, width=2, rounds=3)


class Manager:
    def __init__(self, name: str, swallows: bool = False) -> None:
        self.name, self.swallows = name, swallows

    async def __aenter__(self) -> str:
        log(f"enter {self.name}")
        await asyncio.sleep(0)
        return self.name

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> bool:
        log(f"exit {self.name} {error!r}")
        await asyncio.sleep(0)
        return self.swallows


def test_async_with_enters_and_leaves_in_order() -> None:
    async def main() -> list[str]:
        out: list[str] = []
        async with Manager("m") as name, Manager("inner"):
            for i in range(3):
                out.append(await ask(f"{name}{i}"))
        async with Manager("n", swallows=True):
            out.append(await ask("bad"))
        log("after")
        async with Manager("o"):
            out.append(await ask("last"))
        return out

    check(main)


def test_calls_inside_async_with_overlap() -> None:
    async def main() -> list[str]:
        answers: list[str] = []
        async with Manager("m"):
            answers = [await ask(f"{i}") for i in range(3)]
        return answers

    check(main, width=3)


def test_an_exception_leaves_async_with() -> None:
    async def main() -> None:
        async with Manager("m"):
            log(await ask("bad"))

    check(main)


class Countdown:
    def __init__(self, start: int) -> None:
        self.left = start

    def __aiter__(self) -> Countdown:
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        await asyncio.sleep(0)
        self.left -= 1
        log(self.left)
        return self.left


async def numbers(n: int) -> AsyncIterator[int]:
    try:
        for i in range(n):
            log(f"item {i}")
            yield i
    finally:
        log("closed")


def test_async_for_takes_the_items_in_order() -> None:
    async def main() -> list[Any]:
        out: list[Any] = []
        async for i in Countdown(3):
            out.append(await ask(f"{i}"))
        else:
            out.append("else")
        async for i in numbers(5):
            if i == 3:
                break
            out.append(await ask(f"{i}"))
        else:
            out.append("no else")
        return out

    check(main)


def test_asynchronous_comprehensions() -> None:
    async def main() -> Any:
        plain = [i async for i in numbers(3)]
        awaited = [await ask(f"{i}") async for i in numbers(4) if i % 2]
        inner = {i: j for i in range(2) async for j in Countdown(i + 1)}
        drawn = [x async for x in (await ask(f"g{i}") for i in range(2))]
        return plain, awaited, inner, drawn, {await ask("s")}

    check(main)


def test_conditions_may_await() -> None:
    async def main() -> Any:
        out = [i for i in range(3) if await ask(f"keep {i}") != "<keep 1>"]
        while len(await ask("more " * len(out))) < 20:
            out.append(9)
        return out, (await ask("x") and await ask("y")), f"{await ask('z')}!"

    check(main)


def test_an_ordered_resumable_runs_at_its_place() -> None:
    async def main() -> list[str]:
        out: list[str] = []
        for i in range(3):
            answer = await ask(f"{i}")
            await save(answer)
            out.append(answer)
        return out

    check(main, width=3, rounds=1)


def test_what_is_not_declared_is_awaited_in_order() -> None:
    async def main() -> list[str]:
        out = [await undeclared("x")]
        future = asyncio.get_running_loop().create_future()
        future.set_result("future")
        out.append(await future)
        out.append(await ask("y"))
        out.append(await asyncio.wait_for(undeclared("z"), 5))
        return out

    check(main)


def test_awaiting_what_is_no_awaitable_is_the_error_it_is() -> None:
    async def main(value: Any) -> Any:
        log(await ask("x"))
        return await value

    async def calls() -> Any:
        log(await ask("x"))
        return await len("abc")  # type: ignore[misc]

    check(main, lambda: (3,))
    check(calls)


def test_hand_written_concurrency_is_left_alone() -> None:
    async def gathers() -> Any:
        limit = asyncio.Semaphore(2)

        async def limited(i: int) -> str:
            async with limit:
                return await ask(f"{i}")

        answers = await asyncio.gather(*[limited(i) for i in range(4)], return_exceptions=True)
        return answers, await ask("then")

    async def starts() -> Any:
        tasks = [asyncio.create_task(ask(f"{i}")) for i in range(3)]
        return [await task for task in tasks]

    async def groups() -> Any:
        done, _ = await asyncio.wait([asyncio.ensure_future(ask("w"))])
        return [task.result() for task in done]

    check(gathers)
    for function in (starts, groups):
        assert observe(xcs.jit(function), (), 0, 1) == observe(function, (), 0, 1)


def test_a_semaphore_around_each_call_keeps_its_order() -> None:
    async def main() -> list[str]:
        limit = asyncio.Semaphore(1)
        out: list[str] = []
        for i in range(3):
            async with limit:
                out.append(await ask(f"{i}"))
        return out

    check(main, width=3, rounds=1)


def test_a_timeout_cancels_the_call_that_is_awaited() -> None:
    async def main() -> str:
        try:
            return await asyncio.wait_for(forever("waited for"), 0.01)
        except asyncio.TimeoutError:
            return await ask("after")

    check(main)


@xcs.op
async def forever(name: str) -> str:
    SERVICE.active += 1
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        SERVICE.cancelled.append(name)
        raise
    finally:
        SERVICE.active -= 1
    return name


async def cancelled_after_start(function: AsyncFunction, *arguments: Any) -> Any:
    task = asyncio.ensure_future(function(*arguments))
    while SERVICE.active == 0:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel("enough")
    return await task


def test_cancelling_cancels_what_is_in_flight_and_waits_for_it() -> None:
    @xcs.jit
    async def main() -> None:
        try:
            a = await forever("a")
            b = await forever("b")
            log(a + b)
        except asyncio.CancelledError as error:
            log(("cancelled", error.args))
            raise
        finally:
            log(await ask("clean up"))

    SERVICE.start(0, 1)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled_after_start(main))
    assert sorted(SERVICE.cancelled) == ["a", "b"]
    assert SERVICE.active == 0
    assert SERVICE.effects == [("cancelled", ("enough",)), "<clean up>"]


def test_a_cancellation_may_be_swallowed_as_in_a_plain_coroutine() -> None:
    async def main() -> str:
        try:
            await forever("a")
        except asyncio.CancelledError:
            return await ask("instead")
        return "not cancelled"

    for function in (main, xcs.jit(main)):
        SERVICE.start(0, 1)
        assert asyncio.run(cancelled_after_start(function)) == "<instead>"
        assert SERVICE.cancelled == ["a"]


def test_closing_a_started_coroutine_leaves_nothing_running() -> None:
    @xcs.jit
    async def main() -> None:
        try:
            await forever("a")
        finally:
            log("finally")

    async def outer() -> None:
        coroutine = main()
        coroutine.send(None)
        coroutine.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    SERVICE.start(0, 1)
    asyncio.run(outer())
    assert SERVICE.effects == ["finally"]
    assert SERVICE.active == 0


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def test_calls_see_the_context_of_the_caller_and_the_program_may_change_it() -> None:
    @xcs.op
    async def seen(prompt: str) -> str:
        await asyncio.sleep(0)
        return prompt + VARIABLE.get()

    async def main() -> Any:
        answers = await seen("a "), await seen("b ")
        VARIABLE.set("inside")
        return answers, VARIABLE.get()

    async def outer(function: AsyncFunction) -> Any:
        VARIABLE.set("outside")
        return await function(), VARIABLE.get()

    assert asyncio.run(outer(xcs.jit(main))) == asyncio.run(outer(main))


def test_the_loop_goes_on_while_a_run_waits() -> None:
    @xcs.jit
    async def main() -> str:
        return await ask("slow") + ask_blocking("thread")

    async def outer() -> tuple[str, int]:
        task = asyncio.ensure_future(main())
        turns = 0
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return task.result(), turns

    SERVICE.start(0, 1)
    answer, turns = asyncio.run(outer())
    assert answer == "<slow><thread>"
    assert turns > 2


def test_runs_on_one_loop_do_not_disturb_each_other() -> None:
    async def each(name: str, out: list[str]) -> None:
        for i in range(3):
            try:
                out.append(await ask(f"{name}{i}" if i != 1 else f"{name} bad"))
            except ValueError as error:
                await asyncio.sleep(0)
                out.append(repr(error))

    async def outer(function: AsyncFunction) -> list[list[str]]:
        outs: list[list[str]] = [[], [], []]
        await asyncio.gather(*[function(name, out) for name, out in zip("abc", outs, strict=True)])
        return outs

    SERVICE.start(0, 1)
    expected = asyncio.run(outer(each))
    SERVICE.start(0, 9)
    assert asyncio.run(outer(xcs.jit(each))) == expected


def test_a_jitted_coroutine_function_may_await_another_and_call_plain_functions() -> None:
    @xcs.jit
    async def inner(i: int) -> str:
        return await ask(f"inner {i}")

    @xcs.jit
    def plain(i: int) -> str:
        return ask_blocking(f"plain {i}")

    async def main() -> Any:
        both = [(await inner(i), plain(i)) for i in range(2)]
        return both, await asyncio.gather(inner(5), inner(6))

    check(main, width=4)


def test_a_plain_jitted_function_may_be_called_inside_a_loop_and_run_one() -> None:
    @xcs.jit
    def plain() -> list[str]:
        return [ask_blocking(f"{i}") for i in range(3)]

    async def outer() -> list[str]:
        return plain()

    async def coroutine(out: list[str]) -> None:
        out.append(await ask("in a loop"))

    @xcs.jit
    def runs_one() -> list[str]:
        out = [ask_blocking("before")]
        asyncio.run(coroutine(out))
        return [*out, ask_blocking("after")]

    SERVICE.start(0, 1)
    assert asyncio.run(outer()) == ["<0>", "<1>", "<2>"]
    assert runs_one() == ["<before>", "<in a loop>", "<after>"]


def test_a_jitted_coroutine_function_looks_like_one() -> None:
    @xcs.jit
    async def main(a: int, *, b: str = "b") -> str:
        """Says something."""
        return await ask(f"{a}{b}")

    class C:
        @xcs.jit
        async def method(self, x: str) -> str:
            return await ask(x)

    assert inspect.iscoroutinefunction(main)
    assert inspect.iscoroutinefunction(C().method)
    assert asyncio.iscoroutinefunction(main)
    assert str(inspect.signature(main)) == "(a: 'int', *, b: 'str' = 'b') -> 'str'"
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        main()  # type: ignore[call-arg]
    coroutine = main(1)
    assert inspect.iscoroutine(coroutine)
    assert coroutine.__qualname__.endswith("main")
    assert asyncio.run(coroutine) == "<1b>"
    assert asyncio.run(C().method("m")) == "<m>"


def test_a_coroutine_that_is_never_awaited_says_so() -> None:
    @xcs.jit
    async def main() -> str:
        return await ask("x")

    SERVICE.start(0, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        main()  # pyright: ignore[reportUnusedCoroutine]
        gc.collect()
    assert any("main' was never awaited" in str(w.message) for w in caught)
    assert SERVICE.calls == []


def test_without_an_asyncio_loop_the_resumable_runs_as_it_is_written() -> None:
    class Pause:
        def __await__(self) -> Any:
            yield "paused"

    @xcs.op
    async def pause() -> str:
        await Pause()
        return "awake"

    @xcs.jit
    async def main() -> str:
        return await pause()

    coroutine = main()
    assert coroutine.send(None) == "paused"
    with pytest.raises(StopIteration, match="awake"):
        coroutine.send(None)


def test_an_asynchronous_generator_is_refused_with_what_to_do() -> None:
    with pytest.raises(xcs.UsageError, match="asynchronous generator"):
        xcs.jit(numbers)
