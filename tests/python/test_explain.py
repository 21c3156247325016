"""explain: what a report says about overlap, reasons, and functions that ran line by line."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xcs
from rich.console import Console

from .conftest import WORLD, ask, log

undeclared = eval("lambda text: text.upper()")


def collect(names: list[str]) -> list[str]:
    return [ask(name) for name in names]


def chain(name: str) -> str:
    first = ask(name)
    return ask(first)


def held_up(names: list[str]) -> list[str]:
    out = []
    for name in names:
        out.append(undeclared(ask(name)))
    return out


def look_around() -> dict[str, Any]:
    ask("a")
    return locals()


def explained(function: Callable[..., Any], *args: Any) -> xcs.Explanation:
    WORLD.start(0, 0)
    return xcs.explain(xcs.jit(function), *args)


def test_a_line_whose_calls_overlap_says_so() -> None:
    explanation = explained(collect, ["a", "b", "c"])
    (line,) = [line for line in explanation.lines if line.calls]
    assert (line.source.strip(), line.calls, line.early) == ("return [ask(name) for name in names]", 3, 2)
    assert line.verdict == "overlaps"
    assert "3 calls overlap" in str(explanation)
    assert "No overlap was missed." in str(explanation)


def test_a_missed_overlap_names_line_reason_seconds_and_remedy() -> None:
    explanation = explained(held_up, ["a", "b", "c"])
    number = held_up.__code__.co_firstlineno + 3
    (line,) = [line for line in explanation.lines if line.line == number]
    assert line.verdict == "missed"
    first = explanation.reasons[0]
    assert (first.kind, first.code) == ("missed", "source-unavailable")
    assert first.lost > 0
    assert first.places == (f"{__file__}:{number}",)
    text = str(explanation)
    assert re.search(rf"source-unavailable  \d+\.\d\d s lost on line {number}", text)
    assert "→ Define it in a file or a notebook cell, or declare what it does" in text
    assert "No overlap was missed." not in text


def test_waiting_that_the_program_asks_for_is_no_problem() -> None:
    explanation = explained(chain, "a")
    assert {reason.kind for reason in explanation.reasons} == {"ordered"}
    text = str(explanation)
    assert "2 calls in 2 rounds" in text
    assert "No overlap was missed." in text
    assert "In order because the program asks for it: needs-answer." in text
    assert "missed:" not in text


def test_without_arguments_the_last_run_is_explained_and_nothing_is_called() -> None:
    jitted = xcs.jit(collect)
    jitted(["a", "b"])
    WORLD.start(0, 0)
    report = xcs.explain(jitted)
    assert report.stats is not None
    assert report.stats.calls == 2
    assert WORLD.calls == []


def test_a_function_that_needs_no_arguments_is_called_when_it_has_not_run() -> None:
    WORLD.start(0, 0)
    report = explained(lambda: [ask("a"), ask("b")])
    assert report.stats is not None
    assert len(WORLD.calls) == 2


def test_a_function_that_has_not_run_and_needs_arguments_is_refused() -> None:
    with pytest.raises(
        xcs.UsageError, match=r"collect has not run yet; call it, or give explain\(\) its arguments"
    ):
        xcs.explain(xcs.jit(collect))


def test_a_plain_function_is_refused() -> None:
    with pytest.raises(xcs.UsageError, match=r"is not a function made by xcs\.jit"):
        xcs.explain(collect, [])


def test_a_function_without_independent_calls_says_that_it_ran_line_by_line() -> None:
    explanation = explained(lambda: log("x"))
    assert explanation.stats is None
    assert "It ran line by line: no call in it can reach an independent one." in str(explanation)


def test_a_function_that_runs_whole_says_why_and_what_to_do() -> None:
    text = str(explained(look_around))
    assert "It ran line by line: looks-at-its-frame." in text
    assert "Move that code into a function of its own" in text.replace("\n", " ")


def test_what_vmap_made_can_be_explained() -> None:
    batched = xcs.vmap(ask)
    batched(["a", "b"])
    report = xcs.explain(batched)
    assert report.stats is not None
    assert report.stats.calls == 2


def test_a_jitted_method_can_be_explained() -> None:
    class Agent:
        @xcs.jit
        def both(self, first: str, second: str) -> list[str]:
            return [ask(first), ask(second)]

    report = xcs.explain(Agent().both, "a", "b")
    assert report.stats is not None
    assert report.stats.most_in_flight == 2


def test_json_holds_what_is_printed() -> None:
    data = json.loads(explained(held_up, ["a", "b"]).to_json())
    assert data["stats"]["calls"] == 2
    assert "missed" in [line["verdict"] for line in data["lines"]]
    assert data["reasons"][0]["code"] == "source-unavailable"


def test_the_page_shows_the_source_and_escapes_it(tmp_path: Path) -> None:
    def compare(names: list[str]) -> bool:
        return ask(names[0]) < ask("<b>")

    page = tmp_path / "report.html"
    explained(compare, ["a"]).save(page)
    html = page.read_text(encoding="utf-8")
    assert "ask(names[0]) &lt; ask(&quot;&lt;b&gt;&quot;)" in html
    assert "<b>&quot;" not in html
    assert "src=" not in html
    assert "href=" not in html


def test_a_notebook_gets_the_report_without_a_document_around_it() -> None:
    html = explained(collect, ["a"])._repr_html_()
    assert html.startswith("<style>")
    assert "<body" not in html


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_report_fits_the_terminal(width: int) -> None:
    out = io.StringIO()
    explained(held_up, ["a", "b"]).print(Console(file=out, width=width))
    assert max(map(len, out.getvalue().splitlines())) <= width


def test_stats_print_the_counters_and_what_was_lost() -> None:
    WORLD.start(0, 0)
    jitted = xcs.jit(held_up)
    jitted(["a", "b"])
    stats = xcs.stats(jitted)
    assert stats is not None
    assert re.match(
        r"2 calls in \d rounds?, at most 1 in flight, .* s\. Lost: .*source-unavailable", str(stats)
    )
    assert set(stats.lost) & {"needs-answer", "ordered-store"} == set()


TOOK: list[float] = []


@xcs.op
def ask_slowly(prompt: str) -> str:
    began = time.perf_counter()
    time.sleep(0.002)
    TOOK.append(time.perf_counter() - began)
    return f"<{prompt}>"


def agent(goal: str) -> str:
    answer = goal
    while "<<<" not in answer:
        answer = ask_slowly(answer)
    return answer


def search(names: list[str]) -> str | None:
    for name in names:
        if "c" in ask_slowly(name):
            return name
    return None


def helper(name: str) -> str:
    return undeclared(ask_slowly(name))


def through_helpers(names: list[str]) -> list[str]:
    return [helper(name) for name in names]


def test_a_loop_whose_prompts_need_the_answers_before_them_loses_nothing() -> None:
    report = xcs.explain(xcs.jit(agent), "")
    assert report.stats is not None
    assert report.stats.lost == {}
    assert "No overlap was missed." in str(report)


def test_a_search_loses_time_at_the_branch_that_may_leave_it() -> None:
    report = xcs.explain(xcs.jit(search), ["a", "b", "c"])
    assert report.stats is not None
    assert list(report.stats.lost) == ["may-exit"]
    (reason,) = [reason for reason in report.reasons if reason.kind == "missed"]
    assert reason.places == (f"{__file__}:{search.__code__.co_firstlineno + 2}",)


def test_lost_time_is_charged_to_the_line_in_a_helper_that_held_up_the_others() -> None:
    report = xcs.explain(xcs.jit(through_helpers), ["a", "b", "c"])
    culprit = helper.__code__.co_firstlineno + 1
    assert report.stats is not None
    assert 0 < report.stats.lost["source-unavailable"] <= report.stats.wall
    (reason,) = [reason for reason in report.reasons if reason.kind == "missed"]
    assert reason.places == (f"{__file__}:{culprit}",)


def test_what_waited_names_the_line_to_blame() -> None:
    def counts(names: list[str]) -> list[str]:
        out = []
        for name in names:
            if "b" not in ask_slowly(name):
                out.append(name)
            ask_slowly(f"{len(out)} so far")
        return out

    report = xcs.explain(xcs.jit(counts), ["a", "b", "c"])
    first = counts.__code__.co_firstlineno
    (line,) = [line for line in report.lines if line.line == first + 5]
    (wait,) = [wait for wait in line.waits if wait.kind == "missed"]
    assert (wait.reason, wait.because_of) == ("blocked-region", (__file__, first + 3))
    assert f"held up by line {first + 3}: blocked-region" in str(report)


def test_the_longest_chain_does_not_count_what_waited_for_its_turn() -> None:
    TOOK.clear()
    stats = xcs.explain(xcs.jit(held_up_slowly), list("abcdefghijklmnopqrstuvwxyz")).stats
    assert stats is not None
    assert stats.rounds == 26
    assert stats.critical_path < sum(TOOK)  # that of one call


def held_up_slowly(names: list[str]) -> list[str]:
    return [undeclared(ask_slowly(name)) for name in names]


def test_statements_that_are_not_looked_into_are_named_though_nothing_ran_ahead() -> None:
    def defines() -> str:
        class Answers:
            first = ask("one")

        return Answers.first

    report = explained(defines)
    assert report.stats is None
    (reason,) = report.reasons
    assert reason.code == "class-statement"
    assert reason.places == (f"{__file__}:{defines.__code__.co_firstlineno + 1}",)
    assert "class-statement" in report.to_html()


def test_a_function_that_is_refused_is_explained_without_having_run() -> None:
    def refused(name: str) -> str:
        return ask(name) + str(locals())

    assert "looks-at-its-frame" in str(xcs.explain(xcs.jit(refused)))
