"""Objects whose class answers for attributes that are missing, as pydantic's models do."""

from __future__ import annotations

from typing import Any

from .conftest import Check, ask, log


class Model:
    """Has methods, and a hook that shows whenever it is asked."""

    prefix = "p"

    def __init__(self) -> None:
        self.own = "own"

    def __getattr__(self, name: str) -> Any:
        log(("asked for", name))
        if name.startswith("made"):
            return lambda text: f"{name} {text}"
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"Model({vars(self)})"

    def ask(self, text: str) -> str:
        return ask(text)


class Nosy(Model):
    def __getattribute__(self, name: str) -> Any:
        if name == "ask":
            log("looked up")
        return super().__getattribute__(name)


def test_methods_that_the_class_has_overlap(check: Check) -> None:
    def run(model):
        return [model.ask(text) + model.prefix for text in "abcd"]

    stats = check(run, lambda: (Model(),), width=4)
    assert stats is not None
    assert (stats.rounds, stats.most_in_flight) == (1, 4)


def test_a_missing_attribute_is_asked_for_in_order(check: Check) -> None:
    def run(model):
        out = []
        for text in "ab":
            out.append(model.ask(text))
            log(("before", text))
            out.append(model.made_up(text))
            try:
                out.append(model.missing)
            except AttributeError as error:
                out.append(str(error))
        return out

    check(run, lambda: (Model(),))


def test_what_the_instance_holds_hides_the_class_until_it_is_deleted(check: Check) -> None:
    def run(model):
        out = []
        for text in "abc":
            answer = model.ask(text)
            model.ask = lambda given, answer=answer: f"{given} {answer}"
            model.prefix = model.own + answer
            out.append((model.ask("hidden"), model.prefix))
            del model.ask
            del model.prefix
            out.append((model.prefix, model.own))
        del model.own
        try:
            out.append(model.own)
        except AttributeError:
            out.append("gone")
        return out

    check(run, lambda: (Model(),))


def test_a_class_that_watches_every_look_up_is_asked_in_order(check: Check) -> None:
    def run(model):
        return [model.ask(text) for text in "ab"]

    check(run, lambda: (Nosy(),))
