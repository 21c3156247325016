"""Generators: jitted themselves, and consumed by jitted functions, in every way in which Python lets them be used."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import xcs

from .conftest import WORLD, Check, ask, log


def observe(function: Any, use: Any, width: int = 1, seed: int = 0) -> tuple[str, list[str]]:
    """What a consumer sees of a generator, its effects among it, and the calls that were made."""
    WORLD.start(seed, width)
    try:
        result: Any = ("returned", use(function))
    except Exception as error:  # noqa: BLE001 - compared
        result = ("raised", type(error), error.args, repr(error.__cause__), repr(error.__context__))
    return repr((result, WORLD.effects)), list(WORLD.calls)


def compare(function: Any, use: Any, width: int = 1) -> None:
    expected, calls = observe(function, use)
    for seed in range(3):
        actual, made = observe(xcs.jit(function), use, width, seed)
        assert actual == expected
        assert sorted(made) == sorted(calls)


def pairs(n: int) -> Iterator[tuple[str, str]]:
    for i in range(n):
        log(f"before {i}")
        yield ask(f"{i} left"), ask(f"{i} right")
        log(f"after {i}")


def test_calls_between_two_yields_of_a_jitted_generator_overlap() -> None:
    compare(pairs, lambda f: list(f(3)), width=2)


def test_a_jitted_generator_is_as_lazy_as_a_plain_one() -> None:
    def use(function: Any) -> Any:
        generator = function(3)
        log("made")
        first = next(generator)
        log(("first", first))
        rest = [x for x in generator if log(x) is None]
        with pytest.raises(StopIteration):
            next(generator)
        return rest

    compare(pairs, use)


def test_a_jitted_generator_can_be_sent_to() -> None:
    def conversation() -> Generator[str, str | None, str]:
        question = yield "ready"
        while question is not None:
            question = yield ask(question)
        return ask("summary")

    def use(function: Any) -> Any:
        generator = function()
        out = [next(generator), generator.send("a"), generator.send("b")]
        try:
            generator.send(None)
        except StopIteration as stop:
            out.append(stop.value)
        return out

    compare(conversation, use)


def guarded() -> Generator[str, Any, None]:
    for i in range(3):
        try:
            got = yield ask(f"item {i}")
            log(("got", got))
        except ValueError as error:
            log(("caught", str(error)))
            yield ask("instead")
        finally:
            log(ask(f"finally {i}"))


def test_an_exception_can_be_thrown_into_a_jitted_generator() -> None:
    def use(function: Any) -> Any:
        generator = function()
        return [
            next(generator),
            generator.throw(ValueError("thrown")),
            next(generator),
            generator.throw(KeyError("k")),
        ]

    compare(guarded, use)


def test_a_jitted_generator_can_be_closed() -> None:
    def use(function: Any) -> Any:
        generator = function()
        first = next(generator)
        generator.close()
        log("closed")
        return first, list(generator)

    compare(guarded, use)


def test_a_jitted_generator_that_is_dropped_cleans_up() -> None:
    def use(function: Any) -> Any:
        generator = function()
        first = next(generator)
        del generator
        log("dropped")
        for x in function():
            log(x)
            break
        return first

    compare(guarded, use)


def test_an_exception_leaves_a_jitted_generator_as_itself() -> None:
    def fails() -> Iterator[str]:
        yield ask("good")
        yield ask("bad")
        yield ask("never")

    def use(function: Any) -> Any:
        return [log(x) for x in function()]

    expected, _ = observe(fails, use)
    actual, made = observe(xcs.jit(fails), use)
    assert actual == expected
    assert made == ["good", "bad"]


def test_a_stop_iteration_inside_becomes_a_runtime_error() -> None:
    def stops() -> Iterator[str]:
        yield ask("a")
        raise StopIteration(3)

    compare(stops, lambda f: list(f()))


def test_a_generator_sees_the_exception_that_its_consumer_handles() -> None:
    def current() -> Iterator[Any]:
        for _ in range(2):
            try:
                yield ask("x"), repr(sys.exc_info()[1])
                raise KeyError("inside")
            except KeyError as error:
                yield ask("y"), repr(error.__context__), repr(sys.exc_info()[1])

    def use(function: Any) -> Any:
        generator = function()
        out = [next(generator)]
        try:
            raise ValueError("outside")
        except ValueError:
            out.extend((next(generator), next(generator), repr(sys.exc_info()[1])))
        out.append(next(generator))
        return out

    compare(current, use)


def test_a_jitted_generator_looks_like_a_generator_function() -> None:
    class C:
        @xcs.jit
        def items(self, n: int) -> Iterator[str]:
            """Items."""
            for i in range(n):
                yield ask(f"{i}")

    generator = C().items(2)
    assert inspect.isgenerator(generator)
    assert inspect.isgeneratorfunction(C.items)
    assert generator.__qualname__.endswith("C.items")
    assert list(generator) == ["<0>", "<1>"]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        C().items()  # type: ignore[call-arg]


def test_a_jitted_generator_is_consumed_step_by_step_by_a_jitted_function(check: Check) -> None:
    items = xcs.jit(pairs)

    def consume() -> list[str]:
        out: list[str] = []
        for left, right in items(3):
            log((left, right))
            out.append(ask(left))
        return out

    check(consume, width=6)


def test_several_calls_of_a_jitted_generator_do_not_disturb_each_other() -> None:
    def use(function: Any) -> Any:
        return list(zip(function(2), function(3), strict=False))

    compare(pairs, use)


# --- Consumed by a loop of a jitted function ----------------------------------------------------------------------------


class Resource:
    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> str:
        log(f"open {self.name}")
        return self.name

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        log(f"close {self.name} {kind and kind.__name__}")


def lines(n: int, name: str = "r") -> Iterator[str]:
    with Resource(name):
        for i in range(n):
            yield f"{name}{i}"
    log(f"end of {name}")


def test_a_generator_that_yields_inside_with_runs_ahead_of_its_loop(check: Check) -> None:
    def consume() -> list[str]:
        out: list[str] = []
        for line in lines(4):
            log(line)
            out.append(ask(line))
        return out

    stats = check(consume, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_generator_in_try_and_finally_may_ask_itself(check: Check) -> None:
    def questions() -> Iterator[str]:
        for i in range(3):
            try:
                answer = ask(f"good {i}" if i != 1 else "bad")
                yield answer
            except ValueError as error:
                log(repr(error))
                yield "none"
            else:
                yield ask(f"else {i}")
            finally:
                log(f"finally {i}")

    def consume() -> list[str]:
        return [ask(x) for x in questions()]

    check(consume)


def test_leaving_a_loop_early_closes_its_generator(check: Check) -> None:
    def breaks() -> Any:
        out = []
        for line in lines(4):
            out.append(ask(line))
            if line == "r1":
                log("break")
                break
        else:
            log("else")
        log("after")
        return out

    def returns() -> Any:
        for line in lines(4):
            if ask(line) == "<r2>":
                return log("value"), ask("last")
        return None

    def goes_on() -> Any:
        out = []
        for i in range(3):
            for line in lines(3, f"n{i}-"):
                if line.endswith("1"):
                    break
                out.append(ask(line))
        return out

    check(breaks)
    check(returns)
    check(goes_on)


def test_an_exception_in_the_body_closes_the_generator_where_it_was(check: Check) -> None:
    def escapes() -> Any:
        for line in lines(4):
            log(line)
            ask("bad" if line == "r1" else line)

    def is_handled() -> Any:
        out = []
        try:
            for line in lines(4):
                log(line)
                out.append(ask("bad" if line == "r1" else line))
        except ValueError as error:
            log(("raised", repr(error), repr(error.__context__), line))
            out.append(ask("handled"))
        finally:
            log("finally")
        return out

    def late() -> Any:
        def numbered() -> Iterator[int]:
            done: list[int] = []
            try:
                for i in range(5):
                    done.append(i)
                    yield i
            finally:
                log(("closed", list(done), i))

        for i in numbered():
            log(ask("bad" if i == 2 else f"{i}"))

    check(escapes)
    check(is_handled)
    check(late, width=3)


def test_nested_generators_are_closed_from_the_inside_out(check: Check) -> None:
    def outer() -> Iterator[str]:
        with Resource("outer"):
            for line in lines(3, "inner"):
                try:
                    yield line + ask(line)
                finally:
                    log("left " + line)

    def breaks() -> Any:
        for x in outer():
            log(x)
            if "1" in x:
                break
        return ask("end")

    def raises() -> Any:
        try:
            for x in outer():
                if "1" in x:
                    raise KeyError(x)
        except KeyError as error:
            log(repr(error))
        return ask("end")

    def all_of_it() -> Any:
        return [ask(x) for x in outer()]

    check(breaks)
    check(raises)
    check(all_of_it)


def test_a_generator_may_do_as_it_likes_when_it_is_closed(check: Check) -> None:
    def swallows() -> Iterator[int]:
        try:
            yield 1
        except GeneratorExit:
            log("swallowed")
            log(ask("while closing"))
            return

    def reraises() -> Iterator[int]:
        try:
            yield 1
        except BaseException as error:
            log(repr(error))
            raise

    def consume(kind: str) -> Any:
        for i in swallows() if kind == "swallows" else reraises():
            log(ask(f"{i}"))
            break
        log("after")
        return ask("x")

    check(consume, lambda: ("swallows",))
    check(consume, lambda: ("reraises",))


def test_what_a_generator_raises_while_it_is_closed_is_reported_and_passes(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", lambda args: log(("unraisable", repr(args.exc_value))))

    def fails() -> Iterator[int]:
        try:
            yield 1
        finally:
            log(ask("bad"))

    def ignores() -> Iterator[int]:
        while True:
            try:
                yield 1
            except GeneratorExit:
                log("ignored")
                yield 2

    def consume() -> Any:
        for _ in fails():
            break
        log("after")
        return ask("x")

    check(consume)

    def stubborn() -> Any:
        for _ in ignores():
            break
        return ask("after")

    check(stubborn)


def test_a_handler_in_a_generator_keeps_its_exception(check: Check) -> None:
    def items() -> Iterator[Any]:
        for i in range(2):
            try:
                ask("bad")
            except ValueError as error:
                yield i, repr(sys.exc_info()[1])
                log((repr(error), repr(sys.exc_info()[1])))
                try:
                    raise KeyError(i)
                except KeyError as inner:
                    yield repr(inner.__context__)

    def consume() -> Any:
        out = []
        for x in items():
            out.append(x)
            log(repr(sys.exc_info()[1]))
        return out

    check(consume)


def test_generators_in_every_consumer_give_the_same(check: Check) -> None:
    def consume() -> Any:
        def upper(x: str) -> str:
            return x.upper()

        total = sum(len(ask(x)) for x in lines(2, "a"))
        joined = ",".join(ask(x) for x in lines(2, "b"))
        table = dict((x, ask(x)) for x in lines(2, "c"))  # noqa: C402
        first = next(x for x in lines(3, "d") if x.endswith("1"))
        found = any(ask(x) == "<e1>" for x in lines(3, "e")), all(ask(x) for x in lines(2, "f"))
        pairs = list(zip(lines(2, "g"), lines(3, "h"), strict=False)), list(enumerate(lines(2, "i"), 1))
        mapped = list(map(upper, lines(2, "j"))), sorted(lines(3, "k"), reverse=True), max(lines(3, "l"))
        a, *rest = lines(3, "m")
        by_hand = lines(3, "n")
        one = ask(next(by_hand))
        by_hand.close()
        return total, joined, table, first, found, pairs, mapped, a, rest, one, [*lines(2, "o")]

    check(consume)


def test_itertools_over_generators(check: Check) -> None:
    import itertools

    def consume() -> Any:
        some = [ask(x) for x in itertools.islice(lines(5, "a"), 2)]
        both = [ask(x) for x in itertools.chain(lines(2, "b"), ["c"])]
        return some, both

    check(consume)
