"""Code that a sequential run never comes to may go on for ever when it is fetched ahead."""

from __future__ import annotations

from .conftest import Check, ask, log


def test_a_list_that_grows_while_it_is_read(check: Check) -> None:
    def run(items):
        ask("bad")
        for item in items:
            items.append(item)

    check(run, lambda: ([1],))


def test_a_loop_without_end(check: Check) -> None:
    def run():
        n = 0
        log(ask("bad"))
        while True:
            n += 1
            log(n)

    check(run)


def test_calls_without_end(check: Check) -> None:
    def run(items):
        ask("bad")
        items.extend(ask(f"{item}+") for item in items)

    check(run, lambda: (["x"],))


def test_a_generator_without_end(check: Check) -> None:
    def numbers():
        n = 0
        while True:
            yield n
            n += 1

    def run():
        held = {"text": ask("bad")}
        for n in numbers():
            held["last"] = n

    check(run)


def test_a_loop_that_an_answer_would_have_left(check: Check) -> None:
    def run():
        rows = []
        for n in range(3):
            if ask(str(n)) == "<1>":
                break
            rows.append(n)
        while len(rows) < 2 or ask("more") != "<more>":
            rows.append(0)
        return rows

    check(run)
