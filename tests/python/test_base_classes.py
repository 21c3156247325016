"""What classes call of the classes they derive from: super(), object's own methods, exceptions with fields."""

from __future__ import annotations

import enum
import re
from typing import Any

import pytest
import xcs

from .conftest import Check, ask, log

NAMES = ["a", "b", "c", "d"]


class Problem(Exception):
    def __init__(self, missing):
        super().__init__(f"missing {', '.join(missing)}")
        self.missing = missing


class Bare(Exception):
    pass


class Numbered(OSError):
    def __init__(self, number, text):
        super().__init__(number, text)
        self.text = text


class Base:
    def __init__(self, name):
        self.name = name
        self.notes: list[Any] = []

    def go(self):
        self.notes.append(self.name)
        return ask(self.name)

    @property
    def label(self):
        return "base " + self.name


class Derived(Base):
    def __init__(self, name):
        super().__init__(name)
        self.kind = "derived"

    def go(self):
        return super().go() + self.kind

    @property
    def label(self):
        return "derived " + super().label


class Mixed(Derived):
    def __setattr__(self, name, value):
        log(("set", name))
        super().__setattr__(name, value)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"

    def __str__(self):
        log("shown")
        return self.value


def test_exceptions_with_fields_of_answers_overlap(check: Check) -> None:
    def run(names):
        out = []
        for name in names:
            try:
                answer = ask(name)
                if len(answer) > 2:
                    raise Problem([answer])
                out.append(answer)
            except Problem as problem:
                out.append((str(problem), problem.missing, problem.args))
        return out

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


@pytest.mark.parametrize("kind", [Problem, Bare, ValueError, KeyError, StopIteration])
def test_an_exception_of_an_answer_is_what_it_is(check: Check, kind: Any) -> None:
    def run():
        made = kind([ask("a")])
        log((repr(made), made.args))
        try:
            raise made from Bare(ask("b"))
        except Exception as caught:  # noqa: BLE001
            log((repr(caught), caught.args, repr(caught.__cause__), caught is made))
        raise kind([ask("c")])

    check(run)


def test_an_exception_that_looks_into_its_arguments_does(check: Check) -> None:
    def run():
        made = Numbered(len(ask("a")) - 1, ask("b"))
        log((made.errno, made.strerror, type(made).__name__, made.text))
        raise OSError(2, ask("c"))

    check(run)


def test_constructors_and_methods_of_base_classes_overlap(check: Check) -> None:
    def run(names):
        made = [Derived(ask(name)) for name in names]
        return [(one.go(), one.notes, one.label, len(one.kind)) for one in made]

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_setting_attributes_by_a_class_of_the_programs_own_stays_in_order(check: Check) -> None:
    def run(names):
        made = []
        for name in names:
            made.append(Mixed(ask(name)))
            log(name)
        return [one.name for one in made]

    check(run, lambda: (NAMES,))


def test_super_follows_classes_that_are_changed(check: Check) -> None:
    class Other(Base):
        def go(self):
            return super().go()

    def changed(self):
        log("changed")
        return self.name

    def run():
        one = Other(ask("a"))
        first = one.go()
        old = Base.go
        Base.go = changed  # type: ignore[method-assign]
        try:
            return first, one.go()
        finally:
            Base.go = old  # type: ignore[method-assign]

    check(run)


def test_flags_of_regular_expressions_are_plain(check: Check) -> None:
    def run(names):
        return [re.search(r"\w", ask(name), re.DOTALL | re.IGNORECASE) is not None for name in names]

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_an_enumeration_with_a_text_of_its_own_is_shown_in_order(check: Check) -> None:
    def run(names):
        return [f"{Color.RED} {ask(name)}" for name in names]

    check(run, lambda: (NAMES,))


def test_a_repr_of_the_programs_own_in_a_dataclass_runs_in_order(check: Check) -> None:
    import dataclasses

    @dataclasses.dataclass
    class Loud:
        name: str

        def __repr__(self) -> str:
            log("shown")
            return self.name

    def run(names):
        made = [Loud(name) for name in names]
        out = []
        for one in made:
            answer = ask(one.name)
            log(("answer", len(out)))
            out.append(f"{one!r} {answer}")
        return out

    check(run, lambda: (NAMES,))


def test_lists_of_answers_inside_tuples_are_sorted_by_the_answers(check: Check) -> None:
    def run(names):
        pairs = [(ask(name), 1) for name in reversed(names)]
        pairs.sort()
        held = [[ask(name)] for name in names]
        held.remove(["<a>"])
        return pairs, held, held.index(["<b>"])

    check(run, lambda: (NAMES,))


def test_what_a_with_block_assigns_is_known_after_it(check: Check) -> None:
    class Timer:
        def __init__(self, sink):
            self.sink = sink

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.sink.append(error[0])
            return False

    def run(names):
        sink: list[Any] = []
        total, scores = 0, {}
        for name in names:
            with Timer(sink):
                text = ask(name)
            score = len(text)
            if score > 3:
                score += 1
            total += score
            scores[name] = score
        return total, scores, sink

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_handler_sees_variables_as_they_were(check: Check) -> None:
    def run(names):
        out = []
        for name in names:
            state, tool = "start", log
            try:
                answer = ask(name)
                state = "asked"
                if answer == "<b>":
                    tool = out.append
                    raise ValueError(answer)
                state = len(answer)
                ask("bad" if answer == "<c>" else "good")
                state = "done"
            except ValueError as error:
                tool((state, str(error)))
            log(("after", state))
        return out

    check(run, lambda: (NAMES,))


def test_generators_over_answers_are_walked_ahead(check: Check) -> None:
    def words(text):
        for word in text.split("x"):
            if word:
                yield word.strip("<>")

    def run(names):
        seen, out = [], {}
        for name in names:
            answer = ask(name + "x")
            if any(bad in answer for bad in ("z", "y")):
                continue
            for word in words(answer):
                seen.append(word)
                out[word] = sum(len(w) for w in words(answer))
        return seen, out

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_effects_of_a_generator_that_is_walked_are_met(check: Check) -> None:
    def noted(text, notes):
        for word in text.split("x"):
            notes.append(word)
            yield word
            notes.append("after " + word)

    def run(names):
        notes: list[str] = []
        for name in names:
            for word in noted(ask(name + "x"), notes):
                notes.append(f"body {word}")
            log(len(notes))
        return notes, ask(notes[-1])

    check(run, lambda: (NAMES,))


def test_an_object_of_a_walk_is_followed_over_its_turns(check: Check) -> None:
    class Best:
        def __init__(self) -> None:
            self.found: Any = None
            self.tool = len

        def note(self, value):
            self.tool(value)
            self.found = value
            self.tool = log

    def run(names):
        answer = ask("start")
        if answer:
            best = Best()
            for name in names:
                best.note(name)
        log("end")
        return answer

    check(run, lambda: (NAMES,))


@xcs.op
def shown(value: Any) -> str:
    return repr(value)


def test_an_op_gets_an_exception_with_its_arguments(check: Check) -> None:
    def run():
        made = Problem([ask("a")])
        return shown(made), shown([Bare(ask("b"))])

    check(run)


def test_a_list_is_sorted_in_place_by_a_key_that_asks(check: Check) -> None:
    def run(names):
        rows = [{"name": name, "answer": ask(name)} for name in names]
        rows.sort(key=lambda row: row["answer"], reverse=True)
        rows.sort(key=lambda row: ask(row["name"]))
        return rows

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_sorting_in_place_fails_as_it_does(check: Check) -> None:
    def run():
        first, mixed, grown = [3, 1, 2], [3, "a", 2, 1], [3, 1, 2]
        try:
            first.sort(key=lambda x: ask(str(x)) if x != 1 else 1 / 0)
        except ZeroDivisionError as error:
            log((str(error), list(first)))
        try:
            mixed.sort(key=lambda x: x)
        except TypeError as error:
            log((str(error), list(mixed)))

        def key(x):
            log(len(grown))
            if x == 1:
                grown.append(9)
            return x

        try:
            grown.sort(key=key)
        except ValueError as error:
            log((str(error), list(grown)))
        return first, mixed, grown, [].sort(key=ask)

    check(run)


class Store:
    def __init__(self):
        self.kept: list[Any] = []

    def add(self, text):
        self.kept.append((text, ask(text)))

    def get(self, text):
        return ask("get " + text)


def test_methods_named_as_those_of_containers_are_looked_into(check: Check) -> None:
    def run(names):
        store = Store()
        for name in names:
            store.add(name)
        return store.kept, [store.get(name) for name in names]

    stats = check(run, lambda: (NAMES,), width=4)
    assert stats is not None
    assert stats.rounds == 1
