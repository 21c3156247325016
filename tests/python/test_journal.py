"""Journals: what an interrupted program finds when it is run again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import openai
import pytest
import xcs

from .interruption import Refused, interrupted

CALLS: list[Any] = []
FAILING: set[Any] = set()


@xcs.op
def ask(prompt: Any) -> str:
    CALLS.append(prompt)
    if prompt in FAILING:
        raise Refused(prompt)
    return f"<{prompt} {len(CALLS)}>"


@xcs.jit
def each(prompts: list[Any]) -> list[str]:
    return [ask(p) for p in prompts]


@xcs.jit
def chained(items: list[str]) -> list[str]:
    out = []
    for item in items:
        first = ask(item)
        out.append(ask("same"))
        if "no" not in first:
            out.append(ask("again " + first))
    return out


@pytest.fixture
def journal(tmp_path: Path) -> str:
    CALLS.clear()
    FAILING.clear()
    return str(tmp_path / "journal.db")


def record(function: Any) -> Any:
    stats = xcs.stats(function)
    assert stats is not None
    return stats.record


def test_a_block_that_raised_finds_its_finished_calls_again(journal: str) -> None:  # S11
    FAILING.add("c")
    with pytest.raises(Refused, match="c"), xcs.config(journal=journal):
        each(["a", "b", "c", "d"])
    assert sorted(CALLS) == ["a", "b", "c", "d"]
    FAILING.clear()
    CALLS.clear()
    with xcs.config(journal=journal):
        answers = each(["a", "b", "c", "d"])
    assert CALLS == ["c"]
    assert [a.split()[0] for a in answers] == ["<a", "<b", "<c", "<d"]
    assert record(each).recalled == 3
    assert record(each).kept == 1


def test_a_block_that_ended_well_begins_afresh(journal: str) -> None:
    with xcs.config(journal=journal):
        first = each(["a", "b"])
    with xcs.config(journal=journal):
        second = each(["a", "b"])
    assert len(CALLS) == 4
    assert first != second


def test_runs_that_returned_in_a_block_that_raised_are_answered_too(journal: str) -> None:
    def program(fail: bool) -> list[list[str]]:
        with xcs.config(journal=journal):
            found = [each(["a"]), each(["a"]), each(["b"])]
            if fail:
                raise KeyError
            return found

    with pytest.raises(KeyError):
        program(True)
    CALLS.clear()
    found = program(False)
    assert CALLS == []
    assert [a for run in found for a in run] == ["<a 1>", "<a 2>", "<b 3>"]


def test_repeated_sampling_gets_each_answer_once(journal: str) -> None:  # S7
    FAILING.add("stop")
    with pytest.raises(Refused), xcs.config(journal=journal):
        each(["x"] * 5 + ["stop"])
    FAILING.clear()
    with xcs.config(journal=journal):
        answers = each(["x"] * 5 + ["stop"])
    assert len(set(answers)) == 6
    assert CALLS.count("x") == 5


@pytest.mark.parametrize("seed", range(20))
def test_a_program_that_decides_by_its_answers_gets_each_where_it_was(journal: str, seed: int) -> None:
    items = [f"item {i}" for i in range(12)]
    FAILING.update(random.Random(seed).sample(items, 2))
    with pytest.raises(Refused), xcs.config(journal=journal):
        chained(items)
    answered = Counter(c for c in CALLS if c not in FAILING)
    FAILING.clear()
    CALLS.clear()
    with xcs.config(journal=journal):
        chained(items)
    assert record(chained).recalled == answered.total(), f"seed {seed}"
    plain = len(items) * 3
    assert len(CALLS) == plain - answered.total()


def test_a_decorator_and_with_config_take_a_journal(journal: str) -> None:
    made = each.with_config(journal=journal)
    FAILING.add("b")
    with pytest.raises(Refused):
        made(["a", "b"])
    FAILING.clear()
    CALLS.clear()
    made(["a", "b"])
    assert CALLS == ["b"]
    made(["a", "b"])  # the program goes on: another run
    assert CALLS == ["b", "a", "b"]


def test_items_in_another_order_are_not_asked_again(journal: str) -> None:
    FAILING.add("stop")
    with pytest.raises(Refused), xcs.config(journal=journal):
        each(["a", "b", "c", "stop"])
    FAILING.clear()
    CALLS.clear()
    with xcs.config(journal=journal):
        assert [a[:2] for a in each(["stop", "c", "new", "b", "a"])] == ["<s", "<c", "<n", "<b", "<a"]
    assert sorted(CALLS) == ["new", "stop"]


def test_methods_of_objects_that_change_are_found_by_their_place(journal: str) -> None:
    class Agent:
        def __init__(self) -> None:
            self.asked = 0

        @xcs.op
        def ask(self, prompt: str) -> str:
            return ask(prompt)

        @xcs.jit
        def work(self, prompts: list[str]) -> list[str]:
            out = []
            for p in prompts:
                self.asked += 1
                out.append(self.ask(p))
            return out

    FAILING.add("c")
    with pytest.raises(Refused), xcs.config(journal=journal):
        Agent().work(["a", "b", "c"])
    FAILING.clear()
    CALLS.clear()
    with xcs.config(journal=journal):
        Agent().work(["a", "b", "c"])
    assert CALLS == ["c"]


def test_what_cannot_be_identified_or_kept_is_asked_again_and_said(journal: str) -> None:
    import threading

    @xcs.op(returns="object")
    def lock_of(prompt: str) -> Any:
        CALLS.append(prompt)
        return threading.Lock()

    @xcs.op
    def with_lock(lock: Any) -> str:
        CALLS.append("locked")
        return "done"

    @xcs.jit
    def program() -> str:
        return with_lock(lock_of("l"))

    with interrupted(journal=journal):
        program()
    with xcs.config(journal=journal):
        assert program() == "done"
    assert CALLS == ["l", "locked"] * 2
    unkept = record(program).unkept
    assert sorted(why.split(": ", 1)[1] for why in unkept) == [
        "an argument cannot be identified; it would have to be data that pickle takes",
        "its result, _thread.lock, cannot be pickled",
    ]
    assert all("test_journal.py:" in why for why in unkept)
    assert "not kept: 1 of " in str(xcs.stats(program))


def test_results_come_back_as_they_were(journal: str) -> None:
    values: list[Any] = ["text", "\ud800", "", None, 3, 2.5, b"\0", {"a": [1, (2,)]}, {1, 2}, True]

    @xcs.op
    def give(i: int) -> Any:
        CALLS.append(i)
        return values[i]

    @xcs.jit
    def program() -> list[Any]:
        return [give(i) for i in range(len(values))]

    for _ in range(2):
        with interrupted(journal=journal):
            found = program()
        assert found == values
        assert list(map(type, found)) == list(map(type, values))
    assert CALLS == list(range(len(values)))


def test_an_interrupt_keeps_what_finished_and_says_how_to_resume(journal: str) -> None:
    @xcs.op
    def interrupting(prompt: str) -> str:
        CALLS.append(prompt)
        if prompt == "last":
            os.kill(os.getpid(), signal.SIGINT)
        return prompt

    @xcs.jit
    def program(prompts: list[str]) -> list[str]:
        first = [interrupting(p) for p in prompts]
        return [interrupting("last " + p) for p in first] if interrupting("last") else []

    with pytest.raises(KeyboardInterrupt) as raised, xcs.config(journal=journal):
        program(["a", "b"])
    (note,) = raised.value.__notes__
    assert "kept in the journal" in note
    assert journal in note
    assert "run the program again to go on from there" in note
    assert {"a", "b"} <= set(CALLS)
    CALLS.clear()
    with contextlib.suppress(KeyboardInterrupt), xcs.config(journal=journal):
        program(["a", "b"])
    assert not {"a", "b"} & set(CALLS)


def test_a_note_is_given_once_however_often_the_exception_passes(journal: str) -> None:
    FAILING.add("b")
    made = each.with_config(journal=journal)
    with pytest.raises(Refused) as raised:
        made(["a", "b"])
    assert raised.value.__notes__ == [
        f"xcs: 1 finished call kept in the journal {journal}; run the program again to go on from there"
    ]


def test_what_a_run_leaves_behind_is_its_owners_alone_and_holds_no_key(
    journal: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-very-secret"
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("XCS_SHARED_LIMITS", str(Path(journal).parent))

    @xcs.jit
    def program(client: Any, url: str, key: str, prompt: str) -> list[Any]:
        text = xcs.llm(prompt, model="m", base_url=url, api_key=key, max_retries=0)
        whole = xcs.llm(prompt, model="m", base_url=url, api_key=key, full=True, max_retries=0)
        body = [{"role": "user", "content": prompt}]
        return [text, whole, client.chat.completions.create(model="m", messages=body)]

    mask = os.umask(0)
    try:
        with (
            xcs.Simulator(latency_ms=0) as sim,
            xcs.adopt(openai.OpenAI(base_url=sim.base_url + "/v1", api_key=key, max_retries=0)) as client,
            interrupted(journal=journal, cache=journal + ".cache"),
        ):
            program(client, sim.base_url, key, "hi")
            shown = [repr(xcs.stats(program)), xcs.explain(program).to_html(), str(xcs.explain(program))]
            for fault in ("quota", "server_error", "malformed", "reset"):
                with pytest.raises((xcs.LLMError, openai.OpenAIError)) as raised:
                    program(client, sim.base_url, key, f"[fault {fault} always]")
                shown.append("".join(traceback.format_exception(raised.value)) + repr(vars(raised.value)))
    finally:
        os.umask(mask)
    assert not [text for text in (*shown, caplog.text) if key in text]
    files = [f for f in Path(journal).parent.iterdir() if f.is_file()]
    assert len(files) >= 3
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert key.encode() not in file.read_bytes()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (x)")
    with xcs.config(journal=path), pytest.raises(xcs.UsageError, match="another kind"):
        each(["a"])
    with pytest.raises(xcs.UsageError, match="journal must be the path of a file"):
        each.with_config(journal=3)


def test_the_journal_can_be_read_while_it_is_written(journal: str) -> None:
    @xcs.op
    def look(prompt: str) -> int:
        connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM call").fetchone()[0])
        finally:
            connection.close()

    @xcs.jit
    def program() -> list[int]:
        return [look("a" * look(str(i))) for i in range(10)]

    with xcs.config(journal=journal):
        program()


PROGRAM = """
    import signal, sys, xcs

    @xcs.jit
    def program(items, url):
        out = []
        for item in items:
            first = xcs.llm(f"first {item}", model="m", base_url=url, api_key="k")
            out.append(xcs.llm(f"second {item} {first}", model="m", base_url=url, api_key="k"))
        return out

    @xcs.jit(max_in_flight=7)
    def whole(items, url):
        return program(items, url)

    if __name__ == "__main__":
        journal, url, seconds = sys.argv[1:]
        signal.setitimer(signal.ITIMER_REAL, float(seconds))  # ends the process as kill does, wherever it is
        with xcs.config(journal=journal):
            answers = whole(list(range(60)), url)
            while float(seconds):
                signal.pause()
        print("done", len(answers), xcs.stats(whole).record.recalled)
"""


INTERRUPTED = """
    import resource, signal, sys, time, xcs

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    begun = []

    def interrupt(*_):
        begun.append(time.thread_time())
        raise KeyboardInterrupt

    @xcs.jit(max_in_flight=20_000)
    def program(count, url):
        done = [xcs.llm(f"done {i}", model="m", base_url=url) for i in range(100)]
        return done + [xcs.llm(f"{i} [fault black_hole always]", model="m", base_url=url) for i in range(count)]

    signal.signal(signal.SIGINT, interrupt)
    try:
        with xcs.config(journal=sys.argv[1]):
            program(10_000, sys.argv[2])
    except KeyboardInterrupt as error:
        print(time.thread_time() - begun[0])
        print(*error.__notes__)
"""


@pytest.mark.timeout(300)
def test_ctrl_c_ends_ten_thousand_calls_in_flight_at_once_and_keeps_what_finished(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(INTERRUPTED))
    journal = tmp_path / "journal.db"
    with xcs.Simulator(latency_ms=0) as sim:
        command = [sys.executable, str(script), str(journal), sim.base_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            while sim.stats()["in_flight"] < 10_000:
                assert child.poll() is None
            child.send_signal(signal.SIGINT)
            seconds, note = str(child.communicate()[0]).splitlines()
    assert "xcs: 100 finished calls kept in the journal" in note
    assert answered(journal) == 100
    assert float(seconds) < 0.1, f"{seconds} s of processor time from the signal to the exception"


STRUCK = """
    import signal, sys, xcs

    def interrupt(*_):
        raise KeyboardInterrupt

    @xcs.jit(max_in_flight=20_000)
    def program(count, url):
        return [xcs.llm(f"{i} [fault black_hole always]", model="m", base_url=url) for i in range(count)]

    signal.signal(signal.SIGINT, interrupt if sys.argv[3] == "own" else signal.default_int_handler)
    try:
        with xcs.config(journal=sys.argv[1]):
            program(200_000, sys.argv[2])
    except KeyboardInterrupt as error:
        print(*error.__notes__)
"""


# The calls before the place that the signal strikes are never answered: who waited for them would wait for ever.
@pytest.mark.parametrize("handler", ["own", "default"])
def test_ctrl_c_while_calls_are_being_issued_waits_for_none_of_them(tmp_path: Path, handler: str) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(STRUCK))
    with xcs.Simulator(latency_ms=0) as sim:
        for wanted in (1, 100, 200, 300):
            command = [sys.executable, str(script), str(tmp_path / f"{wanted}.db"), sim.base_url, handler]
            sim.reset()
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                while sim.stats()["in_flight"] < wanted:
                    assert child.poll() is None
                child.send_signal(signal.SIGINT)
                note = child.communicate(timeout=60)[0]
            assert "xcs: 0 finished calls kept in the journal" in note


def answered(journal: Path) -> int:
    connection = sqlite3.connect(journal)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    made = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'call'").fetchone() == (1,)
    counted = connection.execute("SELECT count(form) FROM call").fetchone() if made else (0,)
    connection.close()
    return int(counted[0])


def test_a_program_killed_at_random_moments_never_sends_a_finished_call_again(tmp_path: Path) -> None:
    """Judged by the server: each request is sent once, and those in flight at a kill once more."""
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM))
    journal = tmp_path / "journal.db"
    in_flight, kept = 0, 0
    with xcs.Simulator(latency_ms=5) as sim:
        command = [sys.executable, str(script), str(journal), sim.base_url]
        for _ in range(6):
            killed = subprocess.run([*command, str(draw.uniform(0.001, 0.2))], check=False)
            assert killed.returncode == -signal.SIGALRM, f"seed {seed}"
            in_flight += 7
            if journal.exists():
                assert answered(journal) >= kept, f"seed {seed}"
                kept = answered(journal)
        result = subprocess.run([*command, "0"], stdout=subprocess.PIPE, text=True, check=True)
        requests = sim.stats()["requests"]
    assert result.stdout == f"done 60 {kept}\n", f"seed {seed}"
    assert 120 <= requests <= 120 + in_flight, f"seed {seed}"


@xcs.op
async def ask_async(prompt: str) -> str:
    CALLS.append(prompt)
    await asyncio.sleep(0)
    if prompt in FAILING:
        raise Refused(prompt)
    return f"<{prompt} {len(CALLS)}>"


@xcs.jit
async def each_async(prompts: list[str]) -> list[str]:
    return [await ask_async(p) for p in prompts]


def test_coroutine_functions_go_on_as_well(journal: str) -> None:
    async def program() -> list[str]:
        with xcs.config(journal=journal):
            return await each_async(["a", "b", "c"])

    FAILING.add("b")
    with pytest.raises(Refused) as raised:
        asyncio.run(program())
    assert "kept in the journal" in raised.value.__notes__[0]
    asked = list(CALLS)
    assert sorted(asked) == ["a", "b", "c"]
    FAILING.clear()
    CALLS.clear()
    answers = asyncio.run(program())
    assert CALLS == ["b"]
    assert [a[:2] for a in answers] == ["<a", "<b", "<c"]
    assert record(each_async).recalled == 2
