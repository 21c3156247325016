"""Many runs at once: nested, from several threads, in processes, and decorated functions that travel."""

from __future__ import annotations

import concurrent.futures
import copy
import doctest
import functools
import inspect
import multiprocessing
import os
import pickle
import sys
import threading
import typing
from collections.abc import Callable
from typing import Any

import pytest
import xcs

from .conftest import WORLD, ask, log


@pytest.fixture(autouse=True)
def world() -> None:
    """No call waits for others."""
    WORLD.start(0, 0)


@xcs.jit
def pair(first: str, second: str = "b") -> tuple[str, str]:
    """Asks twice.

    >>> pair("x")
    ('<x>', '<b>')
    """
    return ask(first), ask(second)


@xcs.jit
def pairs(names: list[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        found.append(pair(name))
        log(name)
    return found


@xcs.op
def nested(name: str) -> tuple[str, str]:
    """An independent callable that runs a jitted function, on whatever thread it is run."""
    return pair(name)


@xcs.jit
def outer(names: list[str]) -> list[tuple[str, str]]:
    return [nested(name) for name in names]


class Agent:
    """Holds a jitted method."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said: list[str] = []

    @xcs.jit
    def say(self, text: str) -> str:
        self.said.append(ask(self.name + text))
        return self.said[-1]


NAMES = [f"n{i}" for i in range(8)]
EXPECTED = [(f"<n{i}>", "<b>") for i in range(8)]


def test_jitted_functions_call_jitted_functions() -> None:
    assert pairs(NAMES) == EXPECTED
    assert WORLD.effects == NAMES
    stats = xcs.stats(pairs)
    assert stats is not None
    assert (stats.calls, stats.rounds) == (16, 1)


def test_an_independent_callable_may_run_a_jitted_function() -> None:
    assert outer(NAMES) == EXPECTED


def test_runs_on_several_threads_do_not_meet() -> None:
    barrier = threading.Barrier(4)
    results: dict[int, Any] = {}

    def work(number: int) -> None:
        agent = Agent(f"t{number}")
        barrier.wait(20)
        results[number] = [agent.say(text) for text in "abc"], agent.said

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {n: ([f"<t{n}{x}>" for x in "abc"],) * 2 for n in range(4)}


def test_one_function_runs_on_several_threads_at_once() -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(pair, NAMES)) == EXPECTED


def test_threads_that_the_function_starts_and_joins_are_seen_whole() -> None:
    @xcs.jit
    def run() -> list[str]:
        found: list[str] = []
        first = ask("first")
        thread = threading.Thread(target=lambda: found.append(ask("inside")))
        thread.start()
        thread.join()
        found.append(ask("after"))
        return [first, *found]

    assert run() == ["<first>", "<inside>", "<after>"]


# --- Processes


def _in_child(connection: Any) -> None:
    connection.send((pair("x"), pairs(["y"])))
    connection.close()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_process_runs_jitted_functions(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("no such way to start a process here")
    pair("warm")  # the parent has worker threads already
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    child = context.Process(target=_in_child, args=(there,))
    child.start()
    assert here.poll(60)
    assert here.recv() == (("<x>", "<b>"), [("<y>", "<b>")])
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_in_the_middle_of_a_run_leaves_both_processes_whole() -> None:
    @xcs.jit
    def run() -> tuple[str, int]:
        before = ask("before")
        child = os.fork()
        if child == 0:
            os._exit(0 if pair("inside") == ("<inside>", "<b>") else 1)
        _, status = os.waitpid(child, 0)
        return before + ask("after"), os.waitstatus_to_exitcode(status)

    assert run() == ("<before><after>", 0)


def test_a_pool_of_processes_is_given_a_jitted_function() -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(pair, NAMES[:2])) == EXPECTED[:2]


# --- Functions that travel


def test_a_jitted_function_is_pickled_and_copied_by_name() -> None:
    for function in (pair, Agent.say):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            if protocol < 4 and function is Agent.say:
                continue
            assert pickle.loads(pickle.dumps(function, protocol)) is function
        assert copy.copy(function) is function
        assert copy.deepcopy(function) is function
    agent = pickle.loads(pickle.dumps(Agent("a")))
    bound = pickle.loads(pickle.dumps(agent.say))
    assert bound("x") == "<ax>"
    assert copy.deepcopy({"f": pair})["f"] is pair


def test_the_tools_that_look_at_functions_see_the_function() -> None:
    plain = pair.__wrapped__  # type: ignore[attr-defined]
    assert inspect.signature(pair) == inspect.signature(plain)
    assert typing.get_type_hints(pair) == {"first": str, "second": str, "return": tuple[str, str]}
    assert inspect.getsource(pair) == inspect.getsource(plain)
    assert inspect.getdoc(pair) == inspect.getdoc(plain)
    assert inspect.getmodule(pair) is sys.modules[__name__]
    assert inspect.unwrap(pair) is plain
    assert (pair.__name__, pair.__qualname__, pair.__module__) == ("pair", "pair", __name__)
    assert inspect.signature(Agent("a").say) == inspect.Signature(
        [inspect.Parameter("text", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="str")],
        return_annotation="str",
    )
    assert functools.partial(pair, "x")() == ("<x>", "<b>")


def test_doctest_finds_and_runs_the_examples_of_a_jitted_function() -> None:
    (found,) = [t for t in doctest.DocTestFinder().find(pair, "pair", globs={"pair": pair}) if t.examples]
    assert doctest.DocTestRunner().run(found).failed == 0


def test_a_wrapper_of_a_jitted_function_is_a_function_like_any_other() -> None:
    def twice(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **keywords: Any) -> Any:
            return function(*args, **keywords), function(*args, **keywords)

        return wrapper

    wrapped = twice(pair)
    assert wrapped.__name__ == "pair"
    assert wrapped("x") == (("<x>", "<b>"),) * 2
    assert xcs.jit(wrapped)("x") == (("<x>", "<b>"),) * 2
    cached = functools.lru_cache(pair)
    assert [cached("x"), cached("x")] == [("<x>", "<b>")] * 2
    assert cached.cache_info().hits == 1
    assert functools.singledispatch(pair)("x") == ("<x>", "<b>")
