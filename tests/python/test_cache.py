"""Caches: answers that later programs get without asking, and the command that looks at them."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import xcs
from xcs import _cli, _journal

from .interruption import Refused, interrupted

CALLS: list[Any] = []
MODEL = "one"


@xcs.op
def ask(prompt: str) -> str:
    CALLS.append(prompt)
    return f"<{MODEL} {prompt} {len(CALLS)}>"


@xcs.jit
def each(prompts: list[str]) -> list[str]:
    return [ask(p) for p in prompts]


class Asker:
    def __init__(self, name: str) -> None:
        self.name = name

    @xcs.op
    def ask(self, prompt: str) -> str:
        CALLS.append(prompt)
        return f"{self.name} {prompt}"


@xcs.jit
def ask_all(askers: list[Asker]) -> list[str]:
    return [a.ask("p") for a in askers]


@pytest.fixture
def cache(tmp_path: Path) -> str:
    CALLS.clear()
    return str(tmp_path / "answers.db")


def kept(path: str) -> int:
    connection = sqlite3.connect(path)
    (count,) = connection.execute("SELECT count(*) FROM answer").fetchone()
    connection.close()
    return int(count)


def test_equal_requests_are_answered_from_the_cache_and_samples_stay_samples(cache: str) -> None:
    with xcs.config(cache=cache):
        first = each(["a", "a", "b"])
        assert len(set(first)) == 3
        assert each(["b", "a", "a"]) == [first[2], first[0], first[1]]
        assert len(CALLS) == 3
        assert each(["a", "a", "a"])[:2] == first[:2]
    assert len(CALLS) == 4
    stats = xcs.stats(each)
    assert stats is not None
    assert stats.record is not None
    assert (stats.record.cached, stats.record.recalled, stats.record.kept) == (2, 0, 0)


def test_without_the_option_nothing_is_cached(cache: str) -> None:  # S7
    with xcs.config(cache=cache):
        each(["a"])
    each(["a"])
    each.with_config(cache=False)(["a"])
    assert len(CALLS) == 3


def test_the_receiver_and_the_constants_of_the_callee_count(
    cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with xcs.config(cache=cache):
        assert ask_all([Asker("x"), Asker("y"), Asker("x")]) == ["x p", "y p", "x p"]
        assert ask_all([Asker("y"), Asker("x")]) == ["y p", "x p"]
        assert len(CALLS) == 3
        each(["a"])
        monkeypatch.setattr(f"{__name__}.MODEL", "two")
        assert each(["a"])[0].startswith("<two")


def test_failures_are_not_cached(cache: str) -> None:
    @xcs.op
    def failing(prompt: str) -> str:
        CALLS.append(prompt)
        raise Refused(prompt)

    @xcs.jit
    def program() -> str:
        return failing("p")

    for _ in range(2):
        with xcs.config(cache=cache), pytest.raises(Refused):
            program()
    assert CALLS == ["p", "p"]


@pytest.mark.parametrize(
    ("reason", "raw", "refused"),
    [
        ("stop", '{"choices":[{"message":{"content":"x","refusal":null}}]}', False),
        ("stop", '{"choices":[{"message":{"content":null,"refusal":"I cannot"}}]}', True),
        ("content_filter", "", True),
        ("refusal", "", True),
        ("length", "", False),
    ],
)
def test_refusals_are_recognised(reason: str, raw: str, refused: bool) -> None:
    assert _journal.is_refusal(reason, raw) is refused


def test_model_calls_are_cached_across_keys_and_timeouts(cache: str) -> None:
    with xcs.Simulator(latency_ms=0) as sim:

        @xcs.jit
        def program(prompt: str, **options: Any) -> str:
            return xcs.llm(prompt, model="m", base_url=sim.base_url, **options)

        with xcs.config(cache=cache):
            first = program("hi", api_key="one")
            assert program("hi", api_key="two", timeout=3, max_retries=1) == first
            program("hi", api_key="one", temperature=0.5)
        assert sim.stats()["requests"] == 2


def test_a_journal_keeps_what_the_cache_answered(cache: str, tmp_path: Path) -> None:
    with xcs.config(cache=cache):
        each(["a"])
    with interrupted(cache=cache, journal=tmp_path / "j.db"):
        each(["a"])
    Path(cache).unlink()
    with xcs.config(journal=tmp_path / "j.db"):
        each(["a"])
    assert len(CALLS) == 1


def _work(path: str, number: int) -> list[str]:
    with xcs.config(cache=path):
        return each([f"{i}" for i in range(number, number + 40)])


def test_processes_share_a_cache(cache: str) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(_work, [(cache, n) for n in (0, 10, 20, 0)])
    assert kept(cache) == 60
    assert _work(cache, 0)[20:] == _work(cache, 20)[:20]
    assert CALLS == []
    assert all(len(answers) == 40 for answers in found)


def test_true_stands_for_a_file_in_the_users_cache_directory(
    cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    with xcs.config(cache=True):
        each(["a"])
    assert kept(str(tmp_path / "home" / "xcs" / "answers.db")) == 1


def test_the_command_lists_shows_exports_and_prunes(
    cache: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = str(tmp_path / "j.db")
    with xcs.config(cache=cache, journal=journal):
        each(["a", "b"])
    with interrupted(journal=journal):
        each(["c"])

    def said(*arguments: str) -> str:
        assert _cli.main(["cache", *arguments]) == 0
        return capsys.readouterr().out

    assert "test_cache.py:" in said("ls", cache)
    assert "<one a " in said("show", cache)
    assert said("show", cache, "--site", "elsewhere") == ""
    lines = [json.loads(line) for line in said("export", cache).splitlines()]
    assert {line["answer"].split()[1] for line in lines} == {"a", "b"}
    runs = said("ls", journal)
    assert "finished" in runs
    assert "returned" in runs
    assert len(said("export", journal).splitlines()) == 3
    assert said("prune", cache, "--older-than", "1") == "0 answers dropped\n"
    assert said("prune", cache) == "2 answers dropped\n"
    assert said("prune", journal) == "2 answers dropped\n"
    CALLS.clear()
    with xcs.config(journal=journal):
        each(["c"])
    assert CALLS == []


def test_the_command_refuses_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    other.write_text("nothing of the kind, and long enough to be looked at by the library")
    assert _cli.main(["cache", "ls", str(other)]) == 2
    assert _cli.main(["cache", "ls", str(tmp_path / "none")]) == 2
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as database:
        database.execute("CREATE TABLE t (x)")
    assert _cli.main(["cache", "ls", str(tmp_path / "db")]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"xcs: {other} is neither a cache nor a journal",
        f"xcs: there is no file {tmp_path / 'none'}",
        f"xcs: {tmp_path / 'db'} is neither a cache nor a journal",
    ]
