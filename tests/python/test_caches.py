"""What stands behind functools.lru_cache, functools.cached_property and descriptors with code of their own."""

from __future__ import annotations

import functools
import random
from typing import Any

import pytest
import xcs

from .conftest import WORLD, Check, ask, log

NAMES = ["a", "b", "c", "d"]


def test_equal_calls_of_a_cached_function_are_one_call(check: Check) -> None:
    def run():
        @functools.cache
        def told(name):
            log(name)
            return ask(name)

        answers = [told(name) for name in [*NAMES, *NAMES, "e"]]
        return answers, told.cache_info(), told.__wrapped__("a"), told("e")

    stats = check(run, width=5)
    assert stats is not None
    assert (stats.rounds, stats.calls) == (1, 6)


def test_a_cache_forgets_what_was_not_used_for_long(check: Check) -> None:
    def run(most, names):
        @functools.lru_cache(maxsize=most)
        def told(name):
            return ask(name)

        out = []
        for name in names:
            out.append(told(name))
        return out, told.cache_info(), told("a"), told.cache_info()

    for most in (1, 2, 3, 128):
        stats = check(run, lambda most=most: (most, list("abcabdbcaacd")), width=4)
        assert stats is not None
        assert stats.rounds == 1


class Asker:
    def __init__(self, name):
        self.name = name

    @functools.cache
    def told(self, text, loud=False):
        return ask(f"{self.name} {text} {loud}")

    @functools.lru_cache(maxsize=4, typed=True)
    def typed(self, number):
        return ask(f"{self.name} {type(number).__name__}")

    @functools.cached_property
    def answer(self):
        log(("computed", self.name))
        return ask(self.name)

    def asked(self, text, loud):
        return ask(f"{self.name} {text} {loud}")

    loudly = functools.partialmethod(asked, loud=True)


def test_cached_methods_overlap(check: Check) -> None:
    def run():
        Asker.told.cache_clear()
        Asker.typed.cache_clear()
        askers = [Asker(name) for name in NAMES]
        out = []
        for asker in askers:
            out.append((asker.told("x"), asker.told("x", loud=True), asker.told(text="x"), asker.told("x")))
            out.append((asker.typed(1), asker.typed(1.0), asker.typed(True), asker.typed(1)))
        return out, Asker.told.cache_info(), Asker.typed.cache_info()

    stats = check(run, width=8)
    assert stats is not None
    assert stats.rounds == 1


def test_what_fails_is_not_kept(check: Check) -> None:
    def run():
        tries = []

        @functools.lru_cache
        def told(name):
            tries.append(name)
            return ask(name)

        out = []
        for name in ["a", "bad", "b", "bad", "a"]:
            try:
                out.append(told(name))
            except ValueError as error:
                out.append((error.args, error.__context__))
        return out, tries, told.cache_info()

    check(run)


def test_a_key_that_cannot_be_hashed_is_an_error(check: Check) -> None:
    def run():
        @functools.cache
        def told(name):
            return ask(str(name))

        out = []
        for name in ["a", ["a"], ("a", ["b"]), ("a", "b"), {"a": 1}, ("a", "b")]:
            try:
                out.append(told(name))
            except TypeError as error:
                out.append(error.args)
        return out, told.cache_info()

    check(run)


class Keyed:
    def __init__(self, name):
        self.name = name

    def __hash__(self):
        log(("hashed", self.name))
        return 1

    def __eq__(self, other):
        log(("compared", self.name, other.name))
        return self.name == other.name


def test_keys_with_code_of_their_own_run_it_in_order(check: Check) -> None:
    def run():
        @functools.cache
        def told(key):
            return ask(key.name)

        out = [told(Keyed(name)) for name in ["a", "b", "a"]]
        return out, told.cache_info()

    check(run)


def test_a_key_may_be_an_answer(check: Check) -> None:
    def run():
        @functools.lru_cache(maxsize=2)
        def told(name, *more):
            return ask("about " + name[:2])

        out = [told(ask(name), ask("x")) for name in [*NAMES, "a", "aa"]]
        return out, told.cache_info()

    stats = check(run, width=8)
    assert stats is not None
    assert stats.rounds == 2


@functools.cache
def depth_of(n):
    log(("depth", n))
    return ask(str(n)) if n < 2 else depth_of(n - 1) + depth_of(n - 2)


def test_cached_functions_may_call_themselves(check: Check) -> None:
    def run():
        depth_of.cache_clear()
        return depth_of(6), depth_of.cache_info()

    stats = check(run, width=2)
    assert stats is not None
    assert stats.calls == 2


def test_a_cache_that_was_filled_before_is_used(check: Check) -> None:
    def make():
        depth_of.cache_clear()
        WORLD.start(0, 0)
        depth_of(2)
        WORLD.start(0, 0)
        return (depth_of,)

    def run(told):
        first = told(1), told.cache_info()
        return first, told(3), told(4), told(0), told.cache_info(), [told(n) for n in range(6)]

    check(run, make)


def test_code_that_runs_whole_shares_the_cache(check: Check) -> None:
    def run():
        @functools.lru_cache(maxsize=3)
        def told(name):
            return ask(name)

        out = []
        for name in ["a", "b", "a", "c", "d", "a", "b"]:
            out.append(told(name))
            if name == "c":
                exec("told.cache_clear(); told('d'); told('a')", {"told": told})
            out.append(told.cache_info())
        told.cache_clear()
        return out, told("a"), told.cache_info()

    check(run)


def test_answers_that_nobody_keeps_die_with_their_cache() -> None:
    class Held:
        pass

    @xcs.jit
    def run(told):
        return [told(n) is told(n) for n in range(5)], told.cache_info()

    @functools.lru_cache(maxsize=2)
    def told(n):
        ask(str(n))
        return Held()

    same, info = run(told)
    assert same == [True] * 5
    assert info == (5, 5, 2, 2)


@pytest.mark.parametrize("seed", range(12))
def test_any_use_of_caches_is_as_in_sequential_execution(check: Check, seed: int) -> None:
    def run(seed):
        draw = random.Random(seed)
        most = draw.choice([None, 1, 2, 5])

        @functools.lru_cache(maxsize=most, typed=draw.random() < 0.5)
        def told(name, more=0):
            if len(name) % 3 == 2 and more < 2:
                return told(name[1:], more + 1) + ask(name)
            return ask(name)

        out: list[Any] = []
        plan = [(draw.random(), draw.choice(["a", "bc", "bad", "dddd", "ee"])) for _ in range(25)]
        for chance, name in plan:
            try:
                if chance < 0.1:
                    told.cache_clear()
                elif chance < 0.2:
                    out.append(told.cache_info())
                elif chance < 0.4:
                    out.append(told(name, more=1.0))
                elif chance < 0.5:
                    out.append(told(told(name), 2))
                else:
                    out.append(told(name))
            except ValueError as error:
                out.append(error.args)
        return out, told.cache_info()

    check(run, lambda: (seed,))


def test_a_property_that_keeps_its_answer_is_computed_once(check: Check) -> None:
    def run():
        askers = [Asker(name) for name in NAMES]
        askers[1].answer = "given"
        answers = [asker.answer for asker in askers]
        again = [asker.answer is answer for asker, answer in zip(askers, answers, strict=True)]
        del askers[0].answer
        return answers, again, askers[0].answer, [sorted(vars(asker).items()) for asker in askers]

    stats = check(run, width=3)
    assert stats is not None
    assert (stats.calls, stats.rounds) == (4, 2)


def test_a_property_that_fails_keeps_nothing(check: Check) -> None:
    def run():
        out = []
        for name in ["a", "bad", "b"]:
            asker = Asker(name)
            for _ in range(2):
                try:
                    out.append(asker.answer)
                except ValueError as error:
                    out.append(error.args)
            out.append("answer" in vars(asker))
        return out

    check(run)


def test_partial_methods_overlap(check: Check) -> None:
    def run():
        return [Asker(name).loudly("x") for name in NAMES]

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


class Field:
    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner):
        log(("got", owner.__name__))
        return self if instance is None else functools.partial(self.function, instance)


class Setting(Field):
    def __set__(self, instance, value):
        log(("set", value))
        vars(instance)["told"] = value


class Described:
    def __init__(self, name):
        self.name = name

    @Field
    def asked(self, text):
        return ask(self.name + text)

    @Setting
    def told(self, text):
        return ask(self.name + text)


def test_descriptors_of_the_program_are_entered(check: Check) -> None:
    def run():
        out = []
        for name in NAMES:
            described = Described(name)
            out.append(described.asked("x"))
            out.append(described.told(text="y"))
            get = described.asked
            out.append(get("z"))
        return out

    stats = check(run, width=12)
    assert stats is not None
    assert stats.rounds == 1


def test_what_an_instance_has_hides_a_descriptor_that_sets_nothing(check: Check) -> None:
    def run():
        out = []
        for name in NAMES:
            described = Described(name)
            described.told = len
            described.asked = str.upper
            out.append((described.asked(ask(name)), described.told(text="y")))
        return out

    check(run)


def test_methods_of_classes_made_in_a_jitted_function_are_entered(check: Check) -> None:
    def run():
        class Span:
            def __init__(self, name):
                self.name = name

            def __enter__(self):
                self.shown = functools.reduce(lambda a, b: a + b, [self.name])
                return self

            def __exit__(self, kind, error, traceback):
                log((self.shown, kind))

        out = []
        for name in NAMES:
            with Span(name) as span:
                out.append(ask(span.name))
        return out

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1
