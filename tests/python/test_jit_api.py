"""The functions of the package: jit, op, declare, config, stats, and what they refuse."""

from __future__ import annotations

import contextvars
import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import types
from typing import Any

import pytest
import xcs

from .conftest import WORLD, ask


@xcs.jit
def collect(names: list[str], *, mark: str = "") -> list[str]:
    """Collects answers."""
    return [ask(name + mark) for name in names]


def test_the_signature_name_and_documentation_survive() -> None:
    assert collect.__name__ == "collect"
    assert collect.__doc__ == "Collects answers."
    assert list(inspect.signature(collect).parameters) == ["names", "mark"]
    assert collect(["a"], mark="!") == ["<a!>"]


def test_a_jitted_function_is_pickled_by_name() -> None:
    assert pickle.loads(pickle.dumps(collect)) is collect


def test_stats_tell_of_the_last_run() -> None:
    WORLD.start(0, 3)
    collect(["a", "b", "c"])
    WORLD.start(0, 0)
    stats = xcs.stats(collect)
    assert stats is not None
    assert (stats.calls, stats.rounds, stats.most_in_flight) == (3, 1, 3)
    assert stats.wall > 0
    (site,) = [site for site in stats.sites if site.issued]
    assert (site.issued, site.file, site.function) == (3, __file__, "collect")


def test_a_function_without_independent_calls_runs_as_it_is() -> None:
    @xcs.jit
    def add(a: int, b: int) -> int:
        return sum([a, b])

    assert add(1, b=2) == 3
    assert xcs.stats(add) is None


def test_max_in_flight_is_never_exceeded() -> None:
    names = [str(i) for i in range(20)]
    for jitted in (collect.with_config(max_in_flight=3), xcs.jit(max_in_flight=3)(collect.function)):
        WORLD.start(0, 3)
        assert jitted(names) == [f"<{name}>" for name in names]
        stats = xcs.stats(jitted)
        assert stats is not None
        assert stats.most_in_flight == 3
    WORLD.start(0, 2)
    with xcs.config(max_in_flight=2):
        collect(names)
    stats = xcs.stats(collect)
    assert stats is not None
    assert stats.most_in_flight == 2


def test_a_small_window_changes_nothing_but_speed() -> None:
    names = [str(i) for i in range(20)]
    assert collect.with_config(window=1)(names) == collect(names)


def test_without_forwarding_reads_wait_for_changes() -> None:
    @xcs.jit
    def run(names: list[str]) -> list[int]:
        out: list[str] = []
        lengths = []
        for name in names:
            out.append(ask(name))
            lengths.append(len(out))
            ask(str(len(out)))
        return lengths

    assert run(["a", "b"]) == run.with_config(forward=False)(["a", "b"]) == [1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_in_flight": 0}, "max_in_flight must be a whole number"),
        ({"window": 1.5}, "window must be a whole number"),
        ({"speed": 1}, "unknown option 'speed'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(xcs.UsageError, match=message):
        xcs.jit(**options)
    with pytest.raises(xcs.UsageError, match=message):
        collect.with_config(**options)


async def _async_generator() -> Any:
    yield 1


@types.coroutine
def _awaited_generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_awaited_generator, "is a generator that is awaited; put @xcs.jit on the coroutine that awaits it"),
        (_async_generator, "is an asynchronous generator; put @xcs.jit on the coroutine that consumes it"),
        (dict, "is a class; put @xcs.jit on its methods"),
        (len, "len is compiled code; @xcs.jit takes a Python function"),
        (3, "3 is a int; @xcs.jit takes a Python function"),
    ],
)
def test_what_cannot_be_jitted_is_refused_with_a_remedy(function: Any, message: str) -> None:
    with pytest.raises(xcs.UsageError, match=message):
        xcs.jit(function)


def test_stats_of_a_plain_function_are_refused() -> None:
    with pytest.raises(xcs.UsageError, match=r"is not a function made by xcs\.jit"):
        xcs.stats(len)


def test_a_function_without_source_runs_as_it_is() -> None:
    space: dict[str, Any] = {"ask": ask}
    exec("def run(names): return [ask(n) for n in names]", space)
    jitted = xcs.jit(space["run"])
    assert jitted(["a", "b"]) == ["<a>", "<b>"]
    assert xcs.stats(jitted) is None


def test_declarations_that_make_no_sense_are_refused() -> None:
    with pytest.raises(xcs.UsageError, match="cannot be called"):
        xcs.declare(3, effect="pure")  # type: ignore[arg-type]
    with pytest.raises(xcs.UsageError, match="name two resources"):
        xcs.declare(print, effect="ordered(stdout)", resource="stderr")
    with pytest.raises(xcs.UsageError, match="a contract cannot say 'fast'"):
        xcs.declare(len, effect="fast")  # type: ignore[arg-type]


def test_a_declaration_from_outside_makes_calls_overlap() -> None:
    def fetch(name: str) -> str:
        time.sleep(0)
        return name * 2

    @xcs.jit
    def run(names: list[str]) -> list[str]:
        return [fetch(name) for name in names]

    assert run(["a", "b"]) == ["aa", "bb"]
    before = xcs.stats(run)
    assert before is None or before.calls == 0
    xcs.declare(fetch, effect="independent")
    assert run(["a", "b"]) == ["aa", "bb"]
    stats = xcs.stats(run)
    assert stats is not None
    assert stats.calls == 2


def test_a_global_that_is_rebound_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert collect(["a"]) == ["<a>"]
    monkeypatch.setitem(collect.function.__globals__, "ask", lambda prompt: prompt + " patched")
    assert collect(["a"]) == ["a patched"]


def test_calls_see_the_context_variables_of_their_place() -> None:
    variable = contextvars.ContextVar("variable", default="-")

    @xcs.op
    def read(_: int) -> str:
        return variable.get()

    @xcs.jit
    def run() -> list[str]:
        out = []
        for i in range(3):
            token = variable.set(str(i))
            out.append(read(i))
            variable.reset(token)
        return out

    assert run() == ["0", "1", "2"]


def test_a_jitted_function_may_call_jitted_functions_and_run_on_many_threads() -> None:
    @xcs.op
    def nested(name: str) -> list[str]:
        return collect([name, name])

    @xcs.jit
    def run(names: list[str]) -> Any:
        return [nested(name) for name in names], collect(names)

    names = ["a", "b"]
    expected = ([["<a>", "<a>"], ["<b>", "<b>"]], ["<a>", "<b>"])
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(run(names))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


_INTERRUPTED = """
import os, signal, sys, threading, time, xcs

started = []

@xcs.op
def slow(i):
    started.append(i)
    time.sleep(0.3)
    return i

@xcs.jit
def run():
    return [slow(i) for i in range(20)]

threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    run.with_config(max_in_flight=2)()
except KeyboardInterrupt:
    print("interrupted", len(started) < 20)
"""

_FORKED = """
import os, xcs

@xcs.op
def ask(i):
    return i

@xcs.jit
def run():
    return [ask(i) for i in range(3)]

assert run() == [0, 1, 2]
child = os.fork()
if child == 0:
    os._exit(0 if run() == [0, 1, 2] else 1)
print("child", os.waitpid(child, 0)[1], run())
"""


def _run_script(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_interrupt_ends_the_run_and_cancels_what_has_not_started(tmp_path: Any) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(_INTERRUPTED)
    assert _run_script(f"import runpy; runpy.run_path({str(script)!r})") == "interrupted True"


def test_a_forked_process_starts_afresh(tmp_path: Any) -> None:
    script = tmp_path / "forked.py"
    script.write_text(_FORKED)
    assert _run_script(f"import runpy; runpy.run_path({str(script)!r})") == "child 0 [0, 1, 2]"


def test_signals_reach_their_handlers_while_a_run_waits() -> None:
    seen = []
    previous = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))

    @xcs.op
    def send(_: int) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        while not seen:
            time.sleep(0.001)

    @xcs.jit
    def run() -> None:
        send(1)

    try:
        run()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert seen == [1]
