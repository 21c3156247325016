"""What stays as it is: results, exceptions, tracebacks and effects of functions that are hard to run ahead."""

from __future__ import annotations

import collections
import functools
import traceback
from typing import Any

import pytest
import xcs

from .conftest import WORLD, Check, ask, log


class Loud:
    """Its operators have effects."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        log(("eq", self.name))
        return True

    def __hash__(self) -> int:
        log(("hash", self.name))
        return 1

    def __bool__(self) -> bool:
        log(("bool", self.name))
        return True

    def __len__(self) -> int:
        log(("len", self.name))
        return 3

    def __str__(self) -> str:
        log(("str", self.name))
        return self.name

    def __iter__(self) -> Any:
        log(("iter", self.name))
        return iter([1, 2])

    def __getitem__(self, key: Any) -> Any:
        log(("getitem", key))
        return ask(f"item {key}")

    def __call__(self, value: str) -> str:
        log(("call", value))
        return ask(value)

    def __getattr__(self, name: str) -> str:
        log(("getattr", name))
        return name


def test_operators_with_effects_happen_in_order(check: Check) -> None:
    def run():
        a, b = Loud("a"), Loud("b")
        log(ask("1"))
        found = [a == b, bool(a), len(b), f"{a}", list(a), {a: 1}[b], a in [b]]
        log(ask("2"))
        return found, a["k"], b("call"), a.missing

    check(run)


def test_a_defaultdict_makes_its_items_in_order(check: Check) -> None:
    def run(names):
        groups = collections.defaultdict(list)
        for name in names:
            groups[name[0]].append(ask(name))
        counts = collections.Counter()
        for name in names:
            counts[ask(name)[1]] += 1
        return dict(groups), counts

    check(run, lambda: (["ab", "ac", "b"],))


def test_container_methods_replay_exactly(check: Check) -> None:
    def run(names):
        xs, d, s = [], {}, set()
        for name in names:
            answer = ask(name)
            xs.append(answer)
            xs.insert(0, name)
            xs.extend([name, answer])
            d.setdefault(name, []).append(answer)
            d.update({answer: name})
            s.add(answer)
            log((len(xs), xs[0], xs[-1], list(d), sorted(s), xs.index(name), d.get("z", 7)))
        popped = xs.pop()
        xs.remove(names[0])
        xs.reverse()
        del xs[0]
        xs[1:2] = ["x", "y"]
        xs += [ask("end")]
        d.pop(names[0])
        s.discard("nothing")
        return popped, xs, d, sorted(s)

    check(run, lambda: (["a", "b"],))


def test_the_first_exception_in_program_order_is_raised(check: Check) -> None:
    def run(names):
        out = []
        for name in names:
            log(name)
            out.append(ask(name))
        return out

    check(run, lambda: (["a", "bad 1", "bad 2"],))


def test_a_raise_in_a_handler_keeps_its_context(check: Check) -> None:
    def run():
        try:
            ask("bad")
        except ValueError:
            ask("bad again")

    check(run)


def test_finally_and_else_run_in_order(check: Check) -> None:
    def run(names):
        out = []
        for name in names:
            try:
                answer = ask(name)
            except ValueError:
                out.append("failed")
                continue
            else:
                out.append(answer)
            finally:
                log(("finally", name, len(out)))
        return out

    check(run, lambda: (["a", "bad", "b"],))


def test_argument_errors_are_the_interpreters_own(check: Check) -> None:
    def helper(a, b=1, /, c=2, *, d):
        return a, b, c, d

    def run(case):
        ask("x")
        match case:
            case 0:
                return helper()
            case 1:
                return helper(1, 2, 3, 4, d=1)
            case 2:
                return helper(1, a=2, d=1)
            case 3:
                return helper(1, c=5, d=6, e=7)
            case 4:
                return helper(*5)
            case 5:
                return helper(1, d=1, **{"d": 2})
            case _:
                return helper(1, c=5, d=6)

    for case in range(7):
        check(run, lambda case=case: (case,))


def test_star_arguments_and_closures_of_decorators_are_bound_exactly(check: Check) -> None:
    def logged(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            log((len(args), sorted(kwargs)))
            return function(*args, **kwargs)

        return wrapper

    @logged
    def call(prompt, *rest, mark="?"):
        return ask(prompt + mark), rest

    def run(names):
        return [call(ask(name), 1, *[2, 3], mark=name) for name in names]

    check(run, lambda: (["a", "b"],))


def test_unpacking_and_starred_targets(check: Check) -> None:
    def run(names):
        first, *rest = [ask(name) for name in names]
        (a, b), c = rest, first
        log(a + b + c)
        x, y = ask("too few")
        return x, y

    check(run, lambda: (["a", "b", "c"],))


def test_identity_survives(check: Check) -> None:
    @xcs.op
    def same(value):
        return value

    def run():
        given = {"a": [1]}
        got = same(given)
        xs = [got]
        xs.append(given)
        return got is given, xs[0] is xs[1], xs[0]["a"] is given["a"]

    check(run)


def test_a_traceback_shows_the_users_lines() -> None:
    def inner(name):
        return ask(name)

    @xcs.jit
    def outer():
        ask("fine")
        return inner("bad")

    with pytest.raises(ValueError, match="bad") as caught:
        outer()
    lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert 'return inner("bad")' in lines


def test_methods_statics_and_classmethods_are_jitted(check: Check) -> None:
    class Service:
        prefix = "p"

        @xcs.jit
        def method(self, names):
            return [ask(self.prefix + name) for name in names]

        @staticmethod
        @xcs.jit
        def static(names):
            return [ask(name) for name in names]

        @xcs.jit
        @classmethod
        def of_class(cls, names):
            return [ask(cls.prefix + name) for name in names]

    WORLD.start(0, 2)
    assert Service().method(["a", "b"]) == ["<pa>", "<pb>"]
    WORLD.start(0, 0)
    assert Service.static(["a"]) == ["<a>"]
    assert Service.of_class(["a"]) == ["<pa>"]
    stats = xcs.stats(Service.method)
    assert stats is not None
    assert stats.most_in_flight == 2


def test_constructors_and_subclasses_are_entered(check: Check) -> None:
    class Base:
        def __init__(self, name):
            self.name = name
            self.answer = ask(name)

    class Derived(Base):
        def __init__(self, name):
            super().__init__(name + "!")
            self.more = self.answer + "?"

    class Failure(Exception):
        def __init__(self, code):
            super().__init__(f"failed with {code}")
            self.code = code

    def run(names):
        made = [Derived(name) for name in names]
        log([m.more for m in made])
        raise Failure(len(made))

    check(run, lambda: (["a", "b"],))


def test_recursion_is_entered(check: Check) -> None:
    def tree(name, depth):
        if depth == 0:
            return ask(name)
        return [tree(name + str(i), depth - 1) for i in range(2)]

    def run():
        return tree("r", 3)

    stats = check(run, width=8)
    assert stats is not None
    assert stats.most_in_flight == 8


def test_a_key_that_was_not_known_when_it_was_stored_is_compared(check: Check) -> None:
    def run(names):
        counts, seen, indices = {}, [], [0, 0, 0]
        for name in names:
            key = ask(name)
            seen.append((counts.get(key, 0), key in counts))
            counts[key] = counts.get(key, 0) + 1
        indices[len(ask("xx")) - 4] = 1
        return counts, seen, indices[1], indices[2]

    check(run, lambda: (["a", "b", "a", "c"],))


def test_a_compiled_method_reads_its_object_also_when_it_is_kept_or_handed_on(check: Check) -> None:
    def run(names):
        counts, queue = {}, collections.deque()
        get, put = counts.get, queue.append
        for name in names:
            counts[ask(name)] = len(name)
            put(ask(name))
        best = max(sorted(counts), key=counts.get)
        return best, [get(key) for key in sorted(counts)], list(map(get, counts)), queue

    check(run, lambda: (["a", "bbb", "cc"],))


def test_a_loop_that_only_an_exception_ends_asks_no_more_than_it_needs() -> None:
    def until_right(name):
        attempt = 0
        while True:
            attempt += 1
            answer = ask(name * attempt)
            if answer == "<aaa>":
                raise LookupError(attempt)

    @xcs.jit
    def run():
        try:
            until_right("a")
        except LookupError as error:
            return error.args, ask("end")

    WORLD.start(0, 0)
    assert run() == ((3,), "<end>")
    assert WORLD.calls == ["a", "aa", "aaa", "end"]
