"""Adversarial programs: each gives what plain Python gives, by being handled or by running in order with a reason."""

from __future__ import annotations

import _thread
import builtins
import collections
import concurrent.futures
import copy
import gc
import itertools
import string
import sys
import threading
from types import FrameType
from typing import Any

import pytest
import xcs

from .conftest import WORLD, Check, ask, log


def test_a_display_holds_the_object_itself_whatever_is_still_to_be_stored_in_it(check: Check) -> None:
    def run(rows, table):
        rows.append(ask("a"))
        table["k"] = ask("b")
        spread = [*"xy", rows, *[1]]
        joined = list("0") + [rows]  # noqa: RUF005 - the operator is what is tried
        merged = {**{"text": table}, "same": table}
        doubled = [rows] * 2
        return (
            spread[2] is rows,
            joined[1] is rows,
            merged["text"] is table and merged["same"] is table,
            doubled[0] is rows and doubled[1] is rows,
            ({"r": rows} | {"t": table})["r"] is rows,
            (1, rows)[1] is rows,
        )

    check(run, lambda: ([], {}))


def test_a_call_is_given_one_copy_of_what_it_reaches_twice(check: Check) -> None:
    def run(rows, item):
        rows.append(item)
        item[0] = ask("a")
        return ask(repr((item, rows)))

    check(run, lambda: ([], ["old"]))


def test_maps_and_filters_are_objects_of_their_own_kind(check: Check) -> None:
    def shout(text):
        return ask(text).upper()

    def run(names):
        kinds = [type(map(shout, names)), type(filter(shout, names)), type(enumerate(x for x in names))]
        held = map(shout, names)
        first = next(held)
        rest = list(held)
        return kinds, first, rest, list(map(shout, map(ask, names))), [type(map(ask, names)) for _ in "a"]

    stats = check(run, lambda: (["a", "b"],))
    assert stats is not None


def test_a_map_over_nothing_iterable_fails_where_it_is_made(check: Check) -> None:
    def run():
        ask("a")
        made = []
        try:
            made.append(map(ask, 42))
        except TypeError as error:
            return str(error), made

    check(run)


class Watched:
    """Says when it is iterated over."""

    def __iter__(self) -> Any:
        log("iterated")
        return iter("ab")

    def __len__(self) -> int:
        log("measured")
        return 2


def test_an_iterable_of_the_programs_own_is_asked_when_and_as_often_as_the_program_says(check: Check) -> None:
    def run():
        ask("x")
        pairs = list(zip(map(ask, Watched()), map(ask, Watched()), strict=True))
        return pairs, sorted(Watched(), key=ask), list(map(ask, Watched()))

    check(run)


def test_read_only_and_typed_members_are_refused_where_they_are_assigned(check: Check) -> None:
    class Slots:
        __slots__ = ("x",)

    def run():
        error, slots = ValueError(1), Slots()
        found = []
        for target, name, value in ((error, "__traceback__", 5), (slots, "y", 5)):
            try:
                setattr(target, name, ask("a"))
            except (AttributeError, TypeError) as refused:
                found.append(type(refused))
        try:
            error.__suppress_context__ = ask("b")
        except TypeError as refused:
            found.append(type(refused))
        try:
            range(3).start = ask("c")  # type: ignore[misc]
        except AttributeError as refused:
            found.append(type(refused))
        slots.x = ask("d")
        return found, slots.x

    check(run)


def test_a_set_takes_no_item_assignment(check: Check) -> None:
    def run(numbers):
        try:
            numbers[1] = ask("a")
        except TypeError as refused:
            return str(refused)

    check(run, lambda: ({1},))


class Index:
    """An index that can be changed."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __index__(self) -> int:
        log(("index", self.at))
        return self.at


def test_a_slice_asks_its_bounds_for_their_index_in_order(check: Check) -> None:
    def run(items):
        low, high = Index(0), Index(1)
        high.at = len(ask("ab"))
        return items[low:high], items[high:]

    check(run, lambda: ([1, 2, 3, 4, 5],))


def test_cells_are_compared_by_what_they_hold(check: Check) -> None:
    def run():
        def held(value):
            return (lambda: value).__closure__[0]

        return held(ask("a")) < held(ask("b")), held(1) == held(1)

    check(run)


def test_a_cell_is_read_as_it_was_last_set(check: Check) -> None:
    def run():
        a = ask("a")

        def inner():
            return a

        cell = inner.__closure__[0]
        cell.cell_contents = 9
        return cell.cell_contents, inner(), a

    check(run)


def test_containers_that_hold_themselves_and_long_chains_are_looked_at_and_left(check: Check) -> None:
    def run():
        ring: list[Any] = []
        ring.append(ring)
        chain: list[Any] = []
        for _ in range(30_000):
            chain = [chain]
        table = {"ring": ring, "answer": ask("a")}
        table["chain"] = chain
        return ring[0] is ring, len(table), ask("b"), len(chain)

    check(run)


def test_a_jitted_method_is_made_a_class_method_where_a_function_is() -> None:
    class Base:
        seen: list[Any] = []  # noqa: RUF012 - shared on purpose

        @xcs.jit
        def __init_subclass__(cls, /, **keywords: Any) -> None:
            cls.seen.append((cls.__name__, ask(repr(keywords))))

        @xcs.jit
        def __class_getitem__(cls, item: str) -> tuple[str, str]:
            return cls.__name__, ask(item)

        @xcs.jit
        def __new__(cls, text: str) -> Base:
            made = super().__new__(cls)
            made.text = ask(text)  # type: ignore[attr-defined]
            return made

    class Derived(Base, x=1):
        pass

    assert Base.seen == [("Derived", "<{'x': 1}>")]
    assert Derived["a"] == ("Derived", "<a>")
    assert Derived("b").text == "<b>"  # type: ignore[attr-defined]


def test_a_name_that_is_changed_is_changed_for_tracebacks_and_generators() -> None:
    @xcs.jit
    def items():
        yield ask("a")

    items.__name__ = "renamed"
    items.__qualname__ = "Some.renamed"
    items.__doc__ = "New."
    made = items()
    assert (made.__name__, made.__qualname__, items.__doc__) == ("renamed", "Some.renamed", "New.")
    with pytest.raises(TypeError):
        items.__name__ = 7


class Raises:
    """A descriptor that cannot be bound."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        log("bound")
        raise LookupError(ask("bound"))


class Unenterable:
    """Its `__enter__` cannot be bound."""

    __enter__ = Raises()

    def __exit__(self, *_: object) -> None: ...


def test_what_with_looks_up_may_raise(check: Check) -> None:
    def run():
        try:
            with Unenterable():
                log("inside")
        except LookupError as error:
            return error.args, ask("handled")

    check(run)


def test_library_methods_read_the_attributes_of_their_object_in_order(check: Check) -> None:
    def run():
        class Braces(string.Template):
            delimiter = "%"

        template = Braces(ask("a %b"))
        first = template.substitute(b=ask("b"))
        template.template = ask("%c")
        return first, template.safe_substitute(c="d"), copy.deepcopy(template).template

    check(run)


def test_attributes_of_functions_and_properties_are_memory(check: Check) -> None:
    def run():
        def inner(x=1):
            """Old."""
            return x

        shown = property(inner)
        inner.__doc__ = ask("new")
        inner.__name__ = ask("named")
        inner.__defaults__ = (ask("default"),)
        shown.__doc__ = ask("shown")
        return inner.__doc__, inner.__name__, inner(), shown.__doc__

    check(run)


def test_looking_at_a_class_asks_nothing_of_its_metaclass(check: Check) -> None:
    class Meta(type):
        @property
        def __module__(cls) -> Any:  # type: ignore[override]
            log("module")
            raise ZeroDivisionError

    class Odd(metaclass=Meta):
        pass

    def run():
        odd = Odd()
        odd.answer = ask("a")
        return [odd.answer], odd == odd, {odd: 1}[odd]

    check(run)


# --- Tools that watch


def _plain(function: Any) -> bool:
    return xcs.stats(function) is None


def _helper(text: str) -> str:
    return ask(text)


@xcs.jit
def _watched() -> list[str]:
    return [_helper(name) for name in "ab"]


@pytest.mark.parametrize("setter", [sys.settrace, sys.setprofile])
def test_a_tracer_or_profiler_sees_what_it_would_see(setter: Any) -> None:
    WORLD.start(0, 0)

    def events(function: Any) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []

        def watch(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename == __file__ and frame.f_code.co_name != "events":
                found.append((event, frame.f_code.co_name, frame.f_lineno))
            return watch

        before = sys.gettrace() if setter is sys.settrace else sys.getprofile()
        setter(watch)
        try:
            function()
        finally:
            setter(before)
        return found

    expected = events(_watched.function)  # type: ignore[attr-defined]
    assert events(_watched) == expected
    assert any(name == "_helper" for _, name, _ in expected)
    assert _plain(_watched)
    assert [reason.code for reason in xcs.explain(_watched).reasons] == ["traced"]


def test_functions_entered_after_a_tool_was_started_are_seen_by_it() -> None:
    WORLD.start(0, 0)
    calls: list[str] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename == __file__:
            calls.append(frame.f_code.co_name)

    def begin() -> None:
        sys.setprofile(watch)

    def end() -> None:
        sys.setprofile(None)

    @xcs.jit
    def run() -> list[str]:
        first = ask("first")
        begin()
        try:
            return [first, _helper("a"), *map(_helper, "b")]
        finally:
            end()

    assert run() == ["<first>", "<a>", "<b>"]
    # The function itself is shown anew for each callee, so that the callee finds its caller.
    assert [name for name in calls if name != "run"] == ["_helper", "_helper", "end"]


def test_a_function_that_starts_a_tool_itself_runs_whole() -> None:
    @xcs.jit
    def run() -> str:
        sys.setprofile(None)
        return ask("a")

    assert run() == "<a>"
    assert [reason.code for reason in xcs.explain(run).reasons] == ["looks-at-its-frame"]


_frame_of = sys._getframe
_evaluate = eval


def test_what_looks_at_the_frame_is_known_by_what_it_is_and_not_by_its_name(check: Check) -> None:
    system = sys

    def named():
        here = ask("a")  # noqa: F841 - read through the frame
        return sorted(_frame_of().f_locals)

    def evaluated():
        here = ask("a")  # noqa: F841 - read through the frame
        return _evaluate("here")

    def aliased():
        here = ask("a")  # noqa: F841 - read through the frame
        return system._getframe().f_locals["here"]

    for function in (named, evaluated, aliased):
        check(function)


# --- Names and memory


def _answer() -> str:
    return ask("first")


def test_a_global_or_builtin_that_is_bound_anew_holds_for_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    WORLD.start(0, 0)

    @xcs.jit
    def run() -> Any:
        return _answer(), abs(-3), ask("b")

    assert run() == ("<first>", 3, "<b>")
    monkeypatch.setitem(globals(), "_answer", lambda: ask("second"))
    monkeypatch.setattr(builtins, "abs", lambda _: "patched")
    assert run() == ("<second>", "patched", "<b>")
    monkeypatch.undo()
    assert run() == ("<first>", 3, "<b>")


def test_what_a_callee_binds_anew_holds_from_there_on(check: Check) -> None:
    def swap() -> None:
        log("swapped")
        globals()["_answer"] = lambda: "other"

    original = _answer

    def run():
        found = [_answer()]
        swap()
        found.append(_answer())
        globals_of_module["_answer"] = original
        found.append(_answer())
        return found

    globals_of_module = globals()
    check(run)


def test_iterators_of_compiled_code_see_a_list_that_grows(check: Check) -> None:
    def run(items):
        for item in itertools.islice(items, 4):
            items.append(ask(item))
        counted = collections.Counter(items)
        return {item for item in items}, counted.most_common(2)  # noqa: C416

    check(run, lambda: (["a"],))


def test_nothing_of_a_run_lives_on_after_it() -> None:
    class Held:
        pass

    @xcs.jit
    def run() -> Any:
        held = Held()
        table = {"k": [ask("a"), held]}
        return ask("b"), len(table)

    run()
    gc.collect()
    assert not [thing for thing in gc.get_objects() if isinstance(thing, Held)]
    assert threading.active_count() >= 1


def test_what_a_thread_did_is_seen_once_it_has_been_waited_for(check: Check) -> None:
    def joined():
        told = []
        thread = threading.Thread(target=lambda: told.append(ask("in")))
        thread.start()
        first = ask("a")
        thread.join()
        return list(told), first

    def met():
        told, ready = [], threading.Event()

        def tell():
            told.append(ask("in"))
            ready.set()

        _thread.start_new_thread(tell, ())
        first = ask("a")
        ready.wait()
        return list(told), first

    def pooled():
        told = []
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            given = pool.submit(lambda: told.append(ask("in")))
            first = ask("a")
            return given.result(), list(told), first

    for run in (joined, met, pooled):
        check(run)
