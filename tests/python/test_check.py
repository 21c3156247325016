"""check: the same observation, each kind of difference, and contracts that do not hold."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import xcs

TOTALS: dict[str, int] = {}
ORDER: list[str] = []
ANSWERED = {"calls": 0}


@xcs.op
def ask(prompt: str) -> str:
    if "bad" in prompt:
        raise ValueError(prompt)
    return f"<{prompt}>"


@xcs.jit
def report(names: list[str]) -> list[str]:
    answers = []
    for name in names:
        answer = ask(name)
        print(answer)
        logging.getLogger("report").warning("%s", answer)
        TOTALS[name] = len(answer)
        answers.append(answer)
    names.append("done")
    return answers


def test_a_function_that_keeps_its_promise_is_ok_and_everything_is_put_back(capsys: Any) -> None:
    names = ["a", "b", "b"]
    found = xcs.check(report, names)
    assert found.ok, found
    assert (found.calls, found.runs) == (3, 3)
    assert names == ["a", "b", "b"]
    assert TOTALS == {}
    assert "the same observation" in str(found)
    assert capsys.readouterr().out == ""


def test_answers_are_recorded_once_and_given_again() -> None:
    count = []

    @xcs.op
    def draw(prompt: str) -> int:
        count.append(prompt)
        return len(count)

    @xcs.jit
    def draws() -> list[int]:
        return [draw("a"), draw("b"), draw("c")]

    assert not xcs.check(draws).differences
    assert len(count) == 3


def test_exceptions_with_their_context_are_compared() -> None:
    @xcs.jit
    def work(name: str) -> str:
        try:
            return ask(name)
        except ValueError as error:
            raise KeyError(name) from error

    assert xcs.check(work, "bad").ok


def test_a_method_is_checked_with_its_object() -> None:
    class Agent:
        def __init__(self) -> None:
            self.history: list[str] = []

        @xcs.jit
        def both(self) -> list[str]:
            for name in ("a", "b"):
                self.history.append(ask(name))
            return self.history

    agent = Agent()
    assert xcs.check(agent.both).ok
    assert agent.history == []


@xcs.op
def careless(row: dict[str, Any]) -> str:
    row["seen"] = True
    return "done"


@xcs.op
def counting(name: str) -> str:
    ANSWERED["calls"] += 1
    return name


@xcs.op(effect="pure")
def moody(name: str) -> str:
    ORDER.append(name)
    return f"{name} {len(ORDER)}"


def test_an_independent_function_that_changes_its_argument_is_named() -> None:
    @xcs.jit
    def work(rows: list[dict[str, Any]]) -> list[str]:
        return [careless(row) for row in rows]

    found = xcs.check(work, [{"id": 1}])
    assert not found.ok
    assert found.broken_contracts == ("careless is declared independent, but changes its arguments",)


def test_an_independent_function_that_changes_what_the_program_sees_is_named() -> None:
    @xcs.jit
    def work() -> int:
        counting("a")
        return ANSWERED["calls"]

    found = xcs.check(work)
    assert found.broken_contracts[0].startswith(
        "counting is declared independent, but changes global ANSWERED"
    )
    assert ANSWERED == {"calls": 0}


def test_a_pure_function_with_another_answer_each_time_is_named() -> None:
    @xcs.jit
    def work() -> list[str]:
        return [moody("a"), ask("b")]

    found = xcs.check(work)
    assert "moody is declared pure, but gives another answer for the same arguments" in found.broken_contracts
    with pytest.raises(xcs.DifferenceError, match="moody is declared pure"):
        xcs.check(work, raise_on_difference=True)


def next_run() -> int:
    """Counts where check() does not see it: in a default argument."""
    return _count()


def _count(runs: dict[str, int] = {"number": 0}) -> int:  # the state is meant to stay
    runs["number"] += 1
    return runs["number"]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("result", "result"),
        ("exception", "exception"),
        ("output", "output"),
        ("log", "log"),
        ("argument", "argument 2"),
        ("global", "global TOTALS"),
        ("calls", "calls"),
    ],
)
def test_each_kind_of_difference_is_found_first_and_shown(kind: str, what: str) -> None:
    @xcs.jit
    def work(kind: str, out: list[int]) -> Any:
        ask("a")
        number = next_run()
        if kind == "result":
            return number
        if kind == "exception":
            raise ValueError(number)
        if kind == "output":
            print("run", number)
        if kind == "log":
            logging.getLogger("run").warning("%s", number)
        if kind == "argument":
            out.append(number)
        if kind == "global":
            TOTALS["run"] = number
        if kind == "calls":
            ask(str(number))
        return None

    found = xcs.check(work, kind, [])
    assert not found.ok
    assert found.differences[0].what == what
    assert found.differences[0].where.startswith(__file__)
    assert f"{what} differs" in str(found)


@pytest.mark.parametrize("value", [iter([1]), (x for x in [1])])
def test_what_cannot_be_put_back_is_refused(value: Any) -> None:
    @xcs.jit
    def work(values: Any) -> Any:
        return [ask(str(v)) for v in values]

    with pytest.raises(xcs.UsageError, match=r"argument 1 holds a .*, which cannot be put back"):
        xcs.check(work, value)


def test_a_plain_function_is_refused() -> None:
    with pytest.raises(xcs.UsageError, match=r"is not a function made by xcs\.jit"):
        xcs.check(next_run)


def test_a_coroutine_function_is_awaited_in_every_run() -> None:
    @xcs.op
    async def later(name: str) -> str:
        return f"<{name}>"

    @xcs.jit
    async def work() -> list[str]:
        return [await later("a"), await later("b")]

    assert xcs.check(work).ok
