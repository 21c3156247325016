"""speculate=n: calls past an exit that is not decided are made on a guess, and nothing else of them can be told."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import xcs
from patterns import model, shapes

from .conftest import WORLD, ask, log

xcs.declare(model.llm, effect="independent")


def observe(function: Any, arguments: tuple[Any, ...], seed: int) -> tuple[str, list[str]]:
    WORLD.start(seed, 1)
    try:
        result: Any = ("returned", function(*arguments))
    except Exception as error:  # noqa: BLE001 - compared
        result = ("raised", type(error), error.args, repr(error.__context__))
    return repr((result, WORLD.effects, arguments)), sorted(WORLD.calls)


def compare(function: Callable[..., Any], make: Callable[[], tuple[Any, ...]] = tuple) -> xcs.Stats:
    """Runs it under several depths and orders of completion; the stats of the last run, with the greatest depth."""
    expected, calls = observe(function, make(), 0)
    for depth in (0, 1, 8):
        jitted = xcs.jit(function, speculate=depth)
        for seed in range(3):
            actual, made = observe(jitted, make(), seed)
            assert actual == expected, f"depth {depth}, seed {seed}"
            stats = xcs.stats(jitted)
            assert stats is not None
            assert stats.used == stats.speculated - stats.wasted
            if depth == 0:
                assert stats.speculated == 0
                assert made == calls or "raised" in actual
            if "raised" not in actual:
                assert stats.calls - stats.wasted == len(calls), f"depth {depth}, seed {seed}"
    return stats


def best_of(n: int, enough: int) -> tuple[int, str]:
    best, tried = (0, ""), []
    for i in range(n):
        draft = ask(f"draft {i}")
        grade = int(ask(f"grade {draft} {i}")[-2])
        tried.append(draft)
        log(f"grade {grade}")
        if grade > best[0]:
            best = (grade, draft)
        if grade >= enough:
            break
    else:
        log("none was good enough")
    log(tried)
    return best


def test_an_early_exit_keeps_its_answer_and_its_effects() -> None:
    stats = compare(best_of, lambda: (8, 3))
    assert stats.rounds == 2
    assert stats.wasted > 0


def test_without_an_exit_every_guess_is_used() -> None:
    stats = compare(best_of, lambda: (6, 99))
    assert stats.rounds == 2
    assert stats.calls == 12
    assert stats.wasted == 0
    assert stats.used == stats.speculated > 0


def test_no_more_turns_are_begun_than_was_asked_for() -> None:
    def first_bad(n: int) -> int:
        for i in range(n):
            if "5" in ask(f"{i}"):
                return i
        return -1

    compare(first_bad, lambda: (10,))
    for depth in (1, 2, 3):
        jitted = xcs.jit(first_bad, speculate=depth)
        observe(jitted, (10,), 0)
        stats = xcs.stats(jitted)
        assert stats is not None
        assert stats.most_in_flight <= depth + 1
        assert stats.rounds == -(-6 // (depth + 1)) or stats.rounds <= 6


def test_exits_of_every_kind() -> None:
    def returns(words: list[str]) -> Any:
        seen: list[str] = []
        for word in words:
            answer = ask(word)
            seen.append(answer)
            if answer == "<c>":
                return seen, log("found")
        return seen

    def continues(words: list[str]) -> Any:
        out: dict[str, str] = {}
        for word in words:
            if ask(word) in ("<b>", "<d>"):
                log("skip " + word)
                continue
            out[word] = ask("more " + word)
            log(len(out))
        return out

    def raises(words: list[str]) -> Any:
        for word in words:
            if ask(word) == "<c>":
                raise KeyError(word)
            log(ask("after " + word))

    def nested(words: list[str]) -> Any:
        out = []
        for word in words:
            for other in words:
                if ask(word + other) == "<bc>":
                    log("inner break")
                    break
                out.append(ask(other + word))
                if len(out) > 9 and ask("enough?"):
                    return out
            else:
                log("inner else")
        return out

    def in_a_function(words: list[str]) -> Any:
        def good(word: str) -> bool:
            if ask(word) == "<b>":
                log("guard")
                return False
            return ask("check " + word) != "<check c>"

        return [word for word in words if good(word)], log("end")

    for function in (returns, continues, raises, nested, in_a_function):
        compare(function, lambda: (["a", "b", "c", "d"],))


def test_what_only_goes_on_with_the_next_turn_wastes_nothing() -> None:
    def skips(n: int) -> list[str]:
        out = []
        for i in range(n):
            if int(ask(f"{i}")[1:-1]) % 2:
                continue
            out.append(ask(f"more {i}"))
        return out

    def skips_or_leaves(n: int) -> list[int]:
        out = []
        for i in range(n):
            if int(ask(f"{i}")[1:-1]) % 2:
                continue
            if ask(f"more {i}") == "<never>":
                break
            out.append(i)
        return out

    for function in (skips, skips_or_leaves):
        stats = compare(function, lambda: (8,))
        assert stats.rounds == 2
        assert stats.wasted == 0


def test_a_failing_call_that_is_not_reached_is_never_seen() -> None:
    def work(words: list[str]) -> Any:
        out = []
        try:
            for word in words:
                answer = ask(word)
                if answer == "<b>":
                    break
                out.append(answer)
        except ValueError as error:
            log(repr(error))
        return out, ask("after")

    compare(work, lambda: (["a", "b", "bad c", "bad d"],))
    compare(work, lambda: (["a", "bad b", "b", "d"],))


def test_memory_that_a_wrong_guess_would_change_is_left_alone() -> None:
    class Account:
        def __init__(self) -> None:
            self.spent, self.notes = 0, ["start"]

    def work(words: list[str], table: dict[str, int]) -> Any:
        account = Account()
        last = None
        for i, word in enumerate(words):
            account.spent += i
            account.notes.append(word)
            table[word] = len(account.notes)
            last = [word]
            if ask(word + str(table[word])) == "<b3>":
                break
            last.append(ask("more"))
        last.append("end")
        return account.spent, account.notes, last, ask(f"{account.spent} {table}")

    compare(work, lambda: (["a", "b", "c", "d"], {}))


def test_iterators_that_the_program_holds_stand_where_they_should() -> None:
    def work(words: list[str]) -> Any:
        numbered = enumerate(words)
        out = []
        for i, word in numbered:
            if ask(word) == "<b>":
                break
            out.append(i)
        pairs = zip(words, range(9), strict=False)
        for word, n in pairs:
            if ask(f"{word}{n}") == "<c2>":
                break
        return out, list(numbered), list(pairs)

    compare(work, lambda: (["a", "b", "c", "d"],))


def test_effects_that_look_at_the_loop_wait_for_the_guess() -> None:
    def work(words: list[str]) -> Any:
        seen: list[str] = []
        done = False
        for word in words:
            seen.append(word)
            if ask(word) == "<c>":
                done = True
                break
        again = [ask("again " + word) for word in seen]
        return again, done, ask("-".join(seen))

    compare(work, lambda: (["a", "b", "c", "d", "e"],))


def test_the_early_exit_of_the_shapes_reaches_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    model.reset()
    expected = shapes.shape_14_early_exit()
    monkeypatch.setenv("LLM_LATENCY_MS", "10")
    model.reset()
    jitted = xcs.jit(shapes.shape_14_early_exit, speculate=8)
    assert jitted() == expected
    stats = xcs.stats(jitted)
    assert stats is not None
    assert stats.rounds == 2
    assert stats.used > 0


def test_explain_offers_speculation_where_an_exit_holds_calls_up() -> None:
    def work(words: list[str]) -> str | None:
        for word in words:
            if "c" in ask(word):
                return word
        return None

    WORLD.start(0, 1)
    held_up = xcs.jit(work)
    held_up(["a", "b", "c"])
    stats = xcs.stats(held_up)
    assert stats is not None
    line = next(site.line for site in stats.sites if site.reason == "may-exit")
    assert line == work.__code__.co_firstlineno + 2
    assert "speculate=n" in str(xcs._core.reasons()["may-exit"])
    guessing = xcs.jit(work, speculate=3)
    guessing(["a", "b", "c"])
    again = xcs.stats(guessing)
    assert again is not None
    assert "may-exit" not in {site.reason for site in again.sites}


def test_depths_are_checked() -> None:
    for depth in (-1, 1.5, True, 2**32):
        with pytest.raises(xcs.UsageError, match="speculate must be a whole number from 0"):
            xcs.jit(best_of, speculate=depth)


STATEMENTS = (
    "x = ask(f'{n} {{x}}')[-4:]",
    "log(f'{n} {{x}}')",
    "out.append(ask(f'{n} {{i}}'))",
    "table[i] = x",
    "out.append(len(out))",
    "if ask(f'{n} {{i}} {{x}}')[-2] in '02': {exit}",
    "if ask(f'{n} {{i}} {{x}}')[-4] == '3': {exit}",
    "if ask(f'{n} {{x}} {{len(out)}}') > '<5': {exit}",
    "if table.get(i) == ask(f'{n}'): log('hit')",
    "if len(out) % 3 == 1: {exit}",
)


def program(seed: int) -> str:
    draw = random.Random(seed)
    number = 0

    def block(indent: int, depth: int, in_loop: bool) -> list[str]:
        nonlocal number
        lines: list[str] = []
        for _ in range(draw.randint(2, 4)):
            number += 1
            pad = " " * indent
            if depth and draw.random() < 0.35:
                head = draw.choice(
                    [
                        "for i in range(4):",
                        "for i, x in enumerate('abcd'):",
                        "if x != 'q':",
                        "for x in list(out):",
                    ]
                )
                lines += [pad + head, *block(indent + 4, depth - 1, in_loop or head.startswith("for"))]
                continue
            exits = ["break", "continue", "return (x, out)"] if in_loop else ["return x", "log('no exit')"]
            lines.append(pad + draw.choice(STATEMENTS).format(n=f"q{number}", exit=draw.choice(exits)))
        return lines

    return "\n".join(
        ["def work(x, out, table):", "    i = 0", *block(4, 3, False), "    return x, out, table, i"]
    )


def test_random_loops_with_exits_give_the_sequential_observation(tmp_path: Any) -> None:
    wasted = used = 0
    for seed in range(16):
        source = program(seed)
        file = tmp_path / f"loops_{seed}.py"
        file.write_text(source)
        space: dict[str, Any] = {"ask": ask, "log": log, "__name__": f"loops_{seed}"}
        exec(compile(source, str(file), "exec"), space)
        WORLD.start(0, 1)
        try:
            stats = compare(space["work"], lambda: ("s", [], {}))
        except AssertionError as error:
            raise AssertionError(f"program {seed}\n{source}") from error
        wasted += stats.wasted
        used += stats.used
    assert wasted > 4, "seeds that waste nothing test little"
    assert used > 4
