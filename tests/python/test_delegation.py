"""Generators that yield from others."""

from __future__ import annotations

import traceback
import types

import xcs

from .conftest import Check, ask

NAMES = ["a", "bb", "ccc"]


def asked(names):
    for name in names:
        print("asking", name)
        try:
            yield ask(name)
        finally:
            print("asked", name)


def each(names):
    for name in names:
        print("asking", name)
        yield ask(name)
        print("asked", name)


def both():
    print("first")
    yield from each(NAMES)
    yield from [ask("list"), "x"]
    print("second")
    yield from (ask(name + "!") for name in NAMES)
    print("over")


class Tree:
    def __init__(self, name, *children):
        self.name = name
        self.children = children

    def __iter__(self):
        yield ask(self.name)
        for child in self.children:
            yield from child

    def walk(self):
        yield self.name
        for child in self.children:
            yield from child.walk()


TREE = Tree("root", Tree("left", Tree("leaf")), Tree("right"))


def test_items_of_delegates_overlap(check: Check) -> None:
    check(lambda: list(both()), width=7)


def test_loops_over_a_delegating_generator(check: Check) -> None:
    def run():
        found = []
        for answer in both():
            found.append(ask(answer))
            if "list" in answer:
                break
        return found

    check(run)


def test_delegates_that_clean_up(check: Check) -> None:
    def guarded():
        try:
            yield from asked(NAMES)
        finally:
            print("guarded")

    def run():
        found = []
        for answer in guarded():
            found.append(answer)
            if "bb" in answer:
                break
        return found, list(guarded())

    check(run)


def test_recursive_delegation(check: Check) -> None:
    check(lambda: [ask(name) for name in TREE.walk()], width=4)
    check(lambda: list(TREE))


def test_delegates_that_raise(check: Check) -> None:
    def failing():
        yield from asked(["a", "bad", "c"])

    def run():
        try:
            return list(failing())
        except ValueError as error:
            print([frame.name for frame in traceback.extract_tb(error.__traceback__)][-4:])
            return repr(error)

    check(run)


def test_what_cannot_be_yielded_from(check: Check) -> None:
    async def nothing():
        pass

    def numbers():
        yield ask("a")
        yield from 5

    def coroutine():
        one = nothing()
        try:
            yield ask("a")
            yield from one
        finally:
            one.close()

    def run(generator):
        try:
            return list(generator())
        except TypeError as error:
            return str(error)

    check(lambda: run(numbers))
    check(lambda: run(coroutine))


def test_generators_of_which_something_is_asked(check: Check) -> None:
    def counted():
        total = yield from numbered()
        yield total
        return total

    def numbered():
        yield ask("one")
        return 17

    def run():
        generator = both()
        first = next(generator)
        second = generator.send(None)
        generator.close()
        return first, second, list(counted())

    check(run)


def test_a_jitted_generator_is_sent_values() -> None:
    def echoing():
        received = yield ask("start")
        while received is not None:
            received = yield ask(received)

    def outer():
        yield from echoing()
        yield ask("end")

    def conversation(function):
        generator = function()
        return [next(generator), generator.send("x"), generator.send("y"), next(generator), list(generator)]

    assert conversation(xcs.jit(outer)) == conversation(outer)
    assert xcs.jit(outer).refusal == "yield-from"


def test_generators_that_are_coroutines_run_as_they_are(check: Check) -> None:
    async def answer():
        return ask("a")

    @types.coroutine
    def old():
        yield from answer()

    def run():
        coroutine = old()
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value, ask("b")

    check(run)
