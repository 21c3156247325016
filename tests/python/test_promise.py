"""One small program for each number of docs/semantics.md; the other tests go deeper."""

from __future__ import annotations

import threading

import pytest
import xcs


class Model:
    """Independent calls that count themselves, and may be held back until others have begun."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.flying = 0
        self.most_flying = 0
        self._changed = threading.Condition()

    def begin(self, prompt: str) -> None:
        with self._changed:
            self.asked.append(prompt)
            self.flying += 1
            self.most_flying = max(self.most_flying, self.flying)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.flying -= 1

    def wait_until_asked(self, prompt: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: prompt in self.asked, timeout=20)


model = Model()


@pytest.fixture(autouse=True)
def fresh_model() -> None:
    global model
    model = Model()


@xcs.op(effect="independent", returns="atom")
def ask(prompt: str, after: str = "") -> str:
    model.begin(prompt)
    try:
        if after:
            model.wait_until_asked(after)
        if prompt.startswith("bad"):
            raise ValueError(prompt)
        return f"<{prompt}>"
    finally:
        model.end()


@xcs.op(effect="independent", returns="atom")
def ask_about(notes: list[str], after: str = "") -> str:
    return ask(",".join(notes), after)


def test_s1_the_observation_is_the_sequential_one(capsys: pytest.CaptureFixture[str]) -> None:
    """S1."""

    def work(items: list[str]) -> dict[str, int]:
        seen: dict[str, int] = {}
        for item in items:
            answer = ask(item)
            print(item, len(seen))
            seen[answer] = seen.get(answer, 0) + 1
        items.clear()
        return seen

    expected = work(["a", "b", "a"]), capsys.readouterr().out
    given = ["a", "b", "a"]
    assert (xcs.jit(work)(given), capsys.readouterr().out) == expected
    assert given == []


def test_s2_the_first_exception_wins_although_a_later_one_is_raised_sooner() -> None:
    """S2."""

    @xcs.jit
    def work() -> list[str]:
        return [ask("bad first", after="bad second"), ask("bad second")]

    with pytest.raises(ValueError, match="bad first"):
        work()


def test_s3_nothing_that_follows_an_exception_happens() -> None:
    """S3."""
    done: list[str] = []

    @xcs.jit
    def work() -> None:
        for prompt in ("one", "bad", "two"):
            ask(prompt)
            done.append(prompt)

    with pytest.raises(ValueError, match="bad"):
        work()
    assert done == ["one"]


def test_s4_no_call_is_started_past_an_undecided_break() -> None:
    """S4."""

    @xcs.jit
    def work() -> int:
        for i in range(5):
            if ask(f"stop at {i}") == "<stop at 1>":
                break
        return i

    assert work() == 1
    assert model.asked == ["stop at 0", "stop at 1"]


def test_s5_a_call_sees_its_arguments_as_they_are_at_its_place() -> None:
    """S5."""

    @xcs.jit
    def work() -> list[str]:
        notes: list[str] = []
        answers = []
        for word in ("x", "y", "z"):
            notes.append(word)
            answers.append(ask_about(notes, after="x,y,z"))
        notes.clear()
        return answers

    assert work() == ["<x>", "<x,y>", "<x,y,z>"]


def test_s6_what_is_not_analysed_runs_unchanged() -> None:
    """S6."""

    @xcs.jit
    def work(first: str) -> list[str]:
        second = ask(first)
        return [*sorted(locals()), second]

    assert work("q") == ["first", "second", "<q>"]


def test_s7_ten_identical_prompts_are_ten_calls() -> None:
    """S7."""

    @xcs.jit
    def work() -> list[str]:
        return [ask("same") for _ in range(10)]

    assert work() == ["<same>"] * 10
    assert model.asked == ["same"] * 10


def test_s8_nothing_is_in_flight_after_an_exception() -> None:
    """S8."""

    @xcs.jit
    def work() -> list[str]:
        return [ask("bad", after="slow 9"), *[ask(f"slow {i}") for i in range(10)]]

    with pytest.raises(ValueError, match="bad"):
        work()
    assert model.flying == 0


def test_s9_no_more_calls_are_in_flight_than_allowed() -> None:
    """S9."""

    @xcs.jit(max_in_flight=3)
    def work() -> list[str]:
        return [ask(str(i)) for i in range(20)]

    assert len(work()) == 20
    assert model.most_flying <= 3
    assert xcs.stats(work).most_in_flight == 3


def test_s10_a_line_that_does_not_overlap_is_named_with_its_reason() -> None:
    """S10."""

    @xcs.jit
    def work() -> int:
        count = 0
        while ask(f"more {count}") != "<more 3>":
            count += 1
        return count

    assert work() == 3
    sites = [site for site in xcs.stats(work).sites if site.reason is not None]
    assert sites
    assert all(site.line > 0 for site in sites)


def test_s11_a_handler_never_makes_a_finished_call_again() -> None:
    """S11."""

    @xcs.jit
    def work() -> list[str]:
        answers = [ask("before")]
        try:
            answers.append(ask("bad"))
        except ValueError:
            answers.append(ask("instead"))
        return answers

    assert work() == ["<before>", "<instead>"]
    assert sorted(model.asked) == ["bad", "before", "instead"]
