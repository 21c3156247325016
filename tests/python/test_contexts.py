"""`with` statements over managers that contextlib makes of generator functions."""

from __future__ import annotations

import contextlib
import time
import traceback

import pytest

from .conftest import Check, ask

NAMES = ["a", "bb", "ccc", "dddd"]
STATE = {"current": "nothing"}


@contextlib.contextmanager
def logged(name):
    print("begin", name)
    yield name
    print("end", name)


@contextlib.contextmanager
def guarded(name):
    print("open", name)
    try:
        yield name
    except ValueError as error:
        print("saw", error, repr(error.__context__))
        raise
    else:
        print("fine", name)
    finally:
        print("close", name)


@contextlib.contextmanager
def nested(name):
    with guarded(name + "!") as inner:
        yield inner * 2


@contextlib.contextmanager
def swallowing(name):
    try:
        yield name
    except ValueError as error:
        print("swallowed", error)


@contextlib.contextmanager
def wrapping():
    try:
        yield
    except ValueError as error:
        raise RuntimeError("wrapped") from error


@contextlib.contextmanager
def branching(flag):
    if flag:
        print("on")
        yield 1
        print("off")
    else:
        yield 0


@contextlib.contextmanager
def asking(name):
    draft = ask("before " + name)
    yield draft
    print(ask("after " + name))


@contextlib.contextmanager
def selecting(name):
    before = STATE["current"]
    STATE["current"] = name
    try:
        yield
    finally:
        STATE["current"] = before


@contextlib.contextmanager
def twice():
    yield 1
    yield 2


@contextlib.contextmanager
def never():
    if not STATE:
        yield 1


@contextlib.contextmanager
def failing(where):
    if where == "enter":
        raise OSError("entering")
    yield
    raise OSError("leaving")


class Tracer:
    def __init__(self):
        self.depth = 0
        self.spans = []
        self.seconds = {}

    @contextlib.contextmanager
    def span(self, name, **attributes):
        self.depth += 1
        span = {"name": name, "depth": self.depth, **attributes}
        began = time.perf_counter()
        try:
            yield span
            span["ok"] = True
        except Exception as error:
            span["error"] = repr(error)
            raise
        finally:
            self.depth -= 1
            self.seconds[name] = self.seconds.get(name, 0.0) + (time.perf_counter() - began)
            self.spans.append(span)


@guarded("decorated")
def decorated(name):
    return ask(name)


@pytest.mark.parametrize("manager", [logged, guarded, nested, swallowing])
def test_bodies_overlap(check: Check, manager) -> None:
    def run():
        found = []
        for name in NAMES:
            with manager(name) as entered:
                found.append(ask(entered))
        return found

    check(run, width=4)


@pytest.mark.parametrize("manager", [logged, guarded, nested, swallowing])
def test_exceptions_of_the_body_are_raised_at_the_yield(check: Check, manager) -> None:
    def run():
        found = []
        for name in ["a", "bad", "c"]:
            try:
                with manager(name) as entered:
                    found.append(ask(name + "2" * (name != "bad")))
                    found.append(entered)
            except ValueError as error:
                print(traceback.format_exc(), repr(error.__context__))
        return found

    check(run)


def test_a_call_that_the_manager_awaits_is_no_obstacle_to_other_turns(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            with logged(ask(name)) as first, asking(first) as second:
                found.append(ask(second))
        return found

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds <= 3


def test_spans_of_a_tracer(check: Check) -> None:
    def run(names):
        tracer = Tracer()
        found = []
        try:
            with tracer.span("all"):
                for i, name in enumerate(names):
                    with tracer.span("one", number=i) as span:
                        span["answer"] = ask(name)
                        found.append(span["answer"])
        except ValueError as error:
            print("left by", error)
        return found, tracer.spans, tracer.depth, sorted(tracer.seconds)

    check(lambda: run(NAMES), width=4)
    check(lambda: run(["a", "c", "bad"]))


def test_managers_made_in_the_function_share_its_variables(check: Check) -> None:
    def run():
        entered = 0

        @contextlib.contextmanager
        def counted():
            nonlocal entered
            entered += 1
            try:
                yield
            finally:
                entered += 100

        found = []
        for name in NAMES:
            with counted():
                found.append(ask(name))
        return found, entered

    check(run, width=4)


def test_what_a_manager_sets_for_its_body(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            with selecting(name):
                found.append(ask(STATE["current"]))
                with selecting("inner"):
                    found.append(ask(STATE["current"]))
                found.append(ask(STATE["current"]))
        return found, STATE["current"]

    check(run, width=2)


def test_a_yield_in_each_branch(check: Check) -> None:
    def run():
        found = []
        for i, name in enumerate(NAMES):
            with branching(i % 2) as flag:
                found.append(ask(name * (flag + 1)))
        return found

    check(run, width=4)


def test_ways_out_of_the_body(check: Check) -> None:
    def pick(name):
        with guarded(name) as entered:
            answer = ask(entered)
            if "bb" in answer:
                return "early"
            return answer

    def run():
        found = [pick(name) for name in NAMES]
        for name in NAMES:
            with guarded(name), logged(name):
                if name == "bb":
                    continue
                found.append(ask(name))
                if name == "ccc":
                    break
        return found

    check(run, width=4)


def test_managers_as_decorators(check: Check) -> None:
    check(lambda: [decorated(name) for name in NAMES], width=4)


def test_a_generator_that_holds_a_context_open(check: Check) -> None:
    def names():
        for name in NAMES:
            with guarded(name) as entered:
                yield entered

    def run():
        found = [ask(name) for name in names()]
        for name in names():
            found.append(ask(name))
            if name == "bb":
                break
        return found

    check(run, width=4)


@pytest.mark.parametrize("raised", [ValueError("v"), StopIteration("s"), KeyError("k"), SystemExit(3)])
@pytest.mark.parametrize("manager", [guarded, swallowing, lambda name: wrapping()])
def test_other_exceptions(check: Check, manager, raised) -> None:
    def run():
        try:
            with manager("x"):
                print(ask("a"))
                raise raised
        except BaseException as error:  # noqa: BLE001 - programs do
            print(traceback.format_exc(), repr(error.__cause__), repr(error.__context__))
        finally:
            raised.__traceback__ = raised.__context__ = None
        return ask("b")

    check(run)


@pytest.mark.parametrize(
    "manager", [twice, never, lambda: failing("enter"), lambda: failing("exit"), lambda: logged(1, 2)]
)
def test_managers_that_fail(check: Check, manager) -> None:
    def run():
        found = []
        for name in NAMES:
            try:
                with manager():
                    found.append(ask(name))
            except Exception as error:  # noqa: BLE001 - programs do
                print(traceback.format_exc(), repr(error.__context__), error.__suppress_context__)
        return found

    check(run)


def test_tracebacks_lead_through_contextlib(check: Check) -> None:
    def run():
        for name in ["a", "bad", "c"]:
            try:
                with wrapping(): print(ask(name))  # fmt: skip  # noqa: E701
            except RuntimeError:
                print(traceback.format_exc())
            try:
                with failing("enter"): print(ask(name))  # fmt: skip  # noqa: E701
            except OSError:
                print(traceback.format_exc())

    check(run)


def test_a_manager_kept_in_a_variable_is_a_manager(check: Check) -> None:
    def run():
        found = []
        for name in NAMES:
            manager = guarded(name)
            print(type(manager).__name__)
            with manager as entered:
                found.append(ask(entered))
        return found

    check(run)
