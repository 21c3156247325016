"""Exceptions lead to objects of the program, and are some: what handlers and `__exit__` do to them is seen."""

from __future__ import annotations

import pytest
import xcs

from .conftest import Check, ask


class Problem(Exception):
    number = 0


class Holder:
    number = 0


class Keeps:
    """Keeps the exception, as `unittest.TestCase.assertRaises` does, or what it carries."""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            return False
        self.exception = value
        return True


class Marks:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if value is not None:
            value.args[0].number = 3
        return True


def test_what_exit_does_with_an_exception_is_seen_after_the_with(check: Check) -> None:
    def run():
        with Keeps() as keeps:
            ask("a")
            raise KeyError(1)
        return str(keeps.exception)

    check(run)


def test_what_exit_stores_through_an_exception_is_seen(check: Check) -> None:
    def run():
        holder = Holder()
        with Marks():
            if ask("a"):
                raise Problem(holder)
        return holder.number

    check(run)


def test_what_a_handler_stores_through_an_exception_is_seen(check: Check) -> None:
    def run():
        shared = []
        try:
            if ask("a"):
                raise Problem(shared)
        except Problem as problem:
            problem.args[0].append(1)
        return len(shared)

    check(run)


def test_what_a_handler_stores_in_an_exception_is_seen(check: Check) -> None:
    def run():
        made = Problem()
        try:
            if ask("a"):
                raise made
        except Problem as problem:
            problem.number = 5
        return made.number

    check(run)


def test_an_exception_of_a_callee_leads_to_objects_too(check: Check) -> None:
    def run():
        holder = Holder()

        def fail():
            if ask("a"):
                raise Problem(holder)

        try:
            fail()
        except Problem as problem:
            problem.args[0].number = 7
        return holder.number

    check(run)


def test_an_exception_that_is_kept_leads_to_objects_later(check: Check) -> None:
    def run():
        holder = Holder()
        last = None
        kept = []
        try:
            if ask("a"):
                raise Problem(holder)
        except Problem as problem:
            last = problem.args[0]
            kept.append(problem)
        last.number += 1
        kept[0].args[0].number += 1
        return holder.number

    check(run)


def test_an_exception_of_an_earlier_turn_leads_to_objects(check: Check) -> None:
    def run():
        shared: list[str] = []
        lengths = []
        for name in "abc":
            try:
                if len(ask(name)) > 2:
                    raise Problem(shared, name)
            except Problem as problem:
                problem.args[0].append(problem.args[1])
            lengths.append(len(shared))
        return lengths, shared

    check(run)


def test_an_exception_is_not_touched_by_a_raise_that_does_not_happen(check: Check) -> None:
    def run():
        made = Problem()
        try:
            if not ask("a"):
                raise made from Problem()
        except Problem:
            pass
        return made.__cause__, made.__traceback__, made.__suppress_context__

    check(run)


def test_an_exception_is_not_touched_before_its_raise(check: Check) -> None:
    @xcs.op(effect="independent")
    def fail():
        raise ValueError

    def run():
        made = Problem()
        try:
            fail()
            raise made from Problem()
        except ValueError:
            pass
        return made.__cause__, made.__traceback__, made.__suppress_context__

    check(run)


def test_the_message_of_an_error_of_ones_own_does_not_hold_up_the_next_item(check: Check) -> None:
    def run(names):
        found = {}
        for name in names:
            try:
                answer = ask(name)
                if len(answer) > 4:
                    raise Problem(f"too long: {answer}", len(answer))
                found[name] = answer
            except Problem as problem:
                found[name] = f"{problem.args[1]}: {problem}"
        return found

    stats = check(run, lambda: (["a", "bb", "ccc", "d"],), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_store_that_a_container_of_bytes_refuses_is_handled(check: Check) -> None:
    def run():
        data = bytearray()
        shared = [data]
        data.append(len(ask("a")))
        try:
            data.append("b")
        except TypeError:
            data.append(len(ask("c")))
        return shared, data

    check(run)


class MissingError(Exception):
    def __init__(self, missing):
        super().__init__(f"missing {', '.join(missing)}")
        self.missing = missing


class ShownError(MissingError):
    def __str__(self):
        return f"{len(self.missing)} are missing"


@pytest.mark.parametrize("error", [MissingError, ShownError])
def test_exceptions_with_arguments_made_of_answers(check: Check, error) -> None:
    def verify(answer, terms):
        missing = [term for term in terms if term not in answer]
        if missing:
            raise error(missing)

    def improved(name):
        answer = ask(name)
        status = "ok"
        try:
            verify(answer, ["a", "x"])
        except MissingError as e:
            answer = ask(f"{name} without {e}")
            status = f"repaired {len(e.missing)}"
        return answer, status

    stats = check(lambda: [improved(name) for name in ["a", "bb", "ccc"]], width=3)
    assert stats is not None
    if error is MissingError:
        assert stats.rounds <= 2
