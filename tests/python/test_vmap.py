"""vmap: batches of every shape, refusals with both lengths, and calls that overlap as those of a loop do."""

from __future__ import annotations

from typing import Any

import pytest
import xcs

from .conftest import WORLD, ask, log


def pair(first: Any, second: Any) -> tuple[Any, Any]:
    return first, second


def same(value: Any) -> Any:
    return value


def test_elements_of_lists_and_tuples_are_the_batch() -> None:
    assert xcs.vmap(pair)([1, 2], (3, 4)) == [(1, 3), (2, 4)]


def test_a_batch_in_a_dict_gives_each_call_a_dict() -> None:
    assert xcs.vmap(same)({"a": [1, 2], "b": [3, 4]}) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]


def test_nested_dicts_are_followed_to_their_lists() -> None:
    batch = {"doc": {"title": ["t", "u"], "text": ("x", "y")}}
    assert xcs.vmap(same)(batch) == [
        {"doc": {"title": "t", "text": "x"}},
        {"doc": {"title": "u", "text": "y"}},
    ]


def test_a_static_argument_reaches_every_call_as_it_is() -> None:
    settings = {"model": "any"}
    results = xcs.vmap(pair, in_axes=(0, None))([1, 2], settings)
    assert [first for first, _ in results] == [1, 2]
    assert all(second is settings for _, second in results)


def test_strings_are_values_and_no_batches() -> None:
    with pytest.raises(
        xcs.UsageError, match="argument 1 is a str and has no axis 0; mark it static with None"
    ):
        xcs.vmap(same)("ab")


def test_keywords_are_batches_when_they_are_lists_and_static_otherwise() -> None:
    assert xcs.vmap(pair)(first=[1, 2], second="s") == [(1, "s"), (2, "s")]


def test_in_axes_may_name_parameters() -> None:
    batched = xcs.vmap(pair, in_axes={"second": None})
    assert batched([1, 2], [3]) == [(1, [3]), (2, [3])]
    assert batched([1, 2], second=[3]) == [(1, [3]), (2, [3])]


def test_in_axes_may_follow_the_structure_of_an_argument() -> None:
    assert xcs.vmap(same, in_axes=({"text": 0, "model": None},))({"text": ["a", "b"], "model": [1]}) == [
        {"text": "a", "model": [1]},
        {"text": "b", "model": [1]},
    ]
    assert xcs.vmap(same, in_axes=((0, None),))(([1, 2], "s")) == [(1, "s"), (2, "s")]


def test_axis_one_is_the_second_level_of_nested_lists() -> None:
    assert xcs.vmap(same, in_axes=1)([[1, 2, 3], [4, 5, 6]]) == [[1, 4], [2, 5], [3, 6]]


def test_out_axes_may_follow_the_structure_of_the_result() -> None:
    assert xcs.vmap(pair, out_axes=(0, 0))([1, 2], [3, 4]) == ([1, 2], [3, 4])
    assert xcs.vmap(lambda x: {"x": x, "n": 1}, out_axes={"x": 0, "n": None})([5, 6]) == {"x": [5, 6], "n": 1}


def test_out_axis_one_puts_the_batch_at_the_second_level() -> None:
    assert xcs.vmap(lambda x: [x, -x], out_axes=1)([1, 2, 3]) == [[1, 2, 3], [-1, -2, -3]]


def test_out_axes_none_refuses_results_that_differ() -> None:
    with pytest.raises(
        xcs.UsageError, match="out_axes is None for the result, but call 0 gave 1 and call 1 2"
    ):
        xcs.vmap(same, out_axes=None)([1, 2])


def test_an_empty_batch_gives_empty_lists_and_calls_nothing() -> None:
    WORLD.start(None, 0)
    assert xcs.vmap(ask)([]) == []
    assert xcs.vmap(pair, out_axes=(0, 0))([], []) == ([], [])
    assert WORLD.calls == []


@pytest.mark.parametrize(
    ("batched", "args", "keywords", "message"),
    [
        (xcs.vmap(pair), ([1, 2, 3], [4, 5]), {}, "argument 1 has length 3 .* but argument 2 has 2"),
        (
            xcs.vmap(pair),
            ([1],),
            {"second": [2, 3]},
            "argument 1 has length 1 .* but argument 'second' has 2",
        ),
        (
            xcs.vmap(same),
            ({"a": [1], "b": [2, 3]},),
            {},
            r"argument 1\['a'\] has length 1 .* argument 1\['b'\] has 2",
        ),
        (xcs.vmap(pair, in_axes=None), (1, 2), {}, "no argument has a batch axis"),
        (xcs.vmap(pair, in_axes=(0,)), ([1], [2]), {}, "in_axes has 1 entries for 2 positional arguments"),
        (xcs.vmap(same, in_axes=-1), ([1],), {}, "an axis is a whole number from 0 or None; in_axes has -1"),
        (xcs.vmap(same, in_axes=2), ([[1]],), {}, "argument 1 has no axis 2|is a list and has no axis 2"),
        (xcs.vmap(same, in_axes=({"x": 0},)), ({"y": [1]},), {}, r"names the keys \['x'\] of argument 1"),
        (xcs.vmap(same, in_axes=((0, 0),)), (([1],),), {}, "gives 2 axes for argument 1"),
    ],
)
def test_batches_that_do_not_fit_are_refused_before_any_call(
    batched: Any, args: tuple[Any, ...], keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(xcs.UsageError, match=message):
        batched(*args, **keywords)


def test_the_calls_overlap_and_are_counted() -> None:
    def draft_and_review(topic: str) -> str:
        return ask("review " + ask("draft " + topic))

    batched = xcs.vmap(draft_and_review)
    assert batched(["a", "b", "c"]) == [f"<review <draft {topic}>>" for topic in "abc"]
    stats = xcs.stats(batched)
    assert stats is not None
    assert (stats.calls, stats.rounds) == (6, 2)


def test_a_declared_callable_is_mapped_directly() -> None:
    batched = xcs.vmap(ask)
    assert batched(["a", "b"]) == ["<a>", "<b>"]
    stats = xcs.stats(batched)
    assert stats is not None
    assert stats.calls == 2


@pytest.mark.parametrize("seed", range(4))
def test_effects_happen_item_by_item(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    def announce(name: str) -> None:
        print(name, ask(name))
        log(name)

    WORLD.start(seed, 2)
    xcs.vmap(announce)(["a", "b", "c"])
    assert capsys.readouterr().out == "a <a>\nb <b>\nc <c>\n"
    assert WORLD.effects == ["a", "b", "c"]


@pytest.mark.parametrize("seed", range(4))
def test_the_first_exception_in_order_is_raised(seed: int) -> None:
    def label(name: str) -> str:
        log(name)
        return ask(name)

    WORLD.start(seed, 2)
    with pytest.raises(ValueError, match=r"^bad 1$"):
        xcs.vmap(label)(["a", "bad 1", "b", "bad 2"])
    assert WORLD.effects == ["a", "bad 1"]


def test_vmap_is_a_decorator_and_keeps_the_name() -> None:
    @xcs.vmap(in_axes=(0, None))
    def label(text: str, kind: str) -> str:
        """Labels a text."""
        return f"{kind}:{text}"

    assert label(["a"], "k") == ["k:a"]
    assert (label.__name__, label.__doc__) == ("label", "Labels a text.")
