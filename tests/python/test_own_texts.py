"""Objects whose classes have code of their own for str, repr, format, len, bool, in and print."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Check, ask, log

NAMES = ["a", "bb", "ccc", "dddd"]


class Document:
    def __init__(self, name, answer=""):
        self.name = name
        self.answer = answer

    def __str__(self):
        return f"<{self.name}: {self.answer}>"

    def __repr__(self):
        return f"Document({self.name!r})"

    def __format__(self, specification):
        return f"{self.name:{specification}}" if specification else str(self)

    def __len__(self):
        return len(self.name) - 1

    def __contains__(self, text):
        return text in self.name


class Logged:
    def __init__(self, name):
        self.name = name
        self.fails = False

    def __str__(self):
        log(("str", self.name))
        if self.fails:
            raise ValueError(self.name)
        return self.name

    def __bool__(self):
        log(("bool", self.name))
        return len(self.name) > 1


def test_prompts_made_of_objects_overlap(check: Check) -> None:
    def run():
        documents = [Document(name) for name in NAMES]
        shorts = [ask(f"sum up {document} {document!r:>20} {document:>5}|{3:03d}") for document in documents]
        lines = "\n".join(f"{d}: {s}" for d, s in zip(documents, shorts, strict=True))
        return shorts, ask(lines), ask("\n".join(map(str, documents))), [repr(d) for d in documents]

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_texts_of_objects_that_hold_answers_wait_for_them_alone(check: Check) -> None:
    def run():
        out = []
        for name in NAMES:
            document = Document(name, ask(name))
            print("asked", document, end=";\n")
            print(document)
            out.append(ask(f"check {document}"))
            log(str(document))
        return out

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 2


def test_lengths_members_and_truth_of_objects_overlap(check: Check) -> None:
    def run():
        out: list[Any] = []
        for name in NAMES:
            document = Document(name, ask(name))
            if not document:
                out.append("empty")
            elif len(document) > 1 and "d" not in document:
                out.append(ask("long " + name))
            elif "d" in document:
                out.append(len(document))
        return out

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_effects_of_texts_happen_where_they_stand(check: Check) -> None:
    def run():
        out = []
        for name in NAMES:
            logged = Logged(name)
            answer = ask(name)
            log("before")
            out.append(f"{logged}{answer}{logged!s}")
            log("after")
            print(logged, answer, logged)
            if logged:
                out.append(ask(str(logged)))
        return out

    check(run)


@pytest.mark.parametrize("form", ["{0}{1:d}", "{1:d}{0}", "{0}{1}", "{1}{0}"])
def test_the_first_text_that_fails_is_the_one_that_raises(check: Check, form: str) -> None:
    def run(form):
        out = []
        for name in NAMES:
            logged = Logged(name)
            answer = ask(name)
            logged.fails = name == "ccc"
            try:
                if form == "{0}{1:d}":
                    out.append(f"{logged}{answer:d}")
                elif form == "{1:d}{0}":
                    out.append(f"{answer:d}{logged}")
                elif form == "{0}{1}":
                    out.append(f"{logged}{answer}")
                else:
                    out.append(f"{answer}{logged}")
            except ValueError as error:
                out.append(error.args)
        return out

    check(run, lambda: (form,))


class Wrong:
    def __init__(self, value):
        self.value = value

    def __str__(self):
        return self.value

    __repr__ = __format__ = __str__  # type: ignore[assignment]

    def __len__(self):
        return self.value

    def __bool__(self):
        return self.value

    def __contains__(self, item):
        return self.value


class Sized:
    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length


@pytest.mark.parametrize(
    "use",
    [
        str,
        repr,
        format,
        len,
        bool,
        lambda x: f"{x}",
        lambda x: f"{x!r}",
        lambda x: 1 if x else 2,
        lambda x: not x,
        lambda x: 3 in x,
        lambda x: 3 not in x,
        lambda x: print(x),
    ],
)
@pytest.mark.parametrize("kind", [Wrong, Sized])
def test_wrong_results_raise_what_they_raise_in_python(check: Check, use: Any, kind: Any) -> None:
    def run(use):
        out = []
        for value in (3, -1, "text", None, True, [], 10**30):
            log(ask(str(value)))
            made = kind(value)
            try:
                out.append(use(made))
            except Exception as error:  # noqa: BLE001
                text = str(error).replace("__repr__", "__str__").replace("__format__", "__str__")
                out.append((type(error), text.partition(" object at")[0]))
        return [one if not isinstance(one, str) or " at 0x" not in one else "default" for one in out]

    check(run, lambda: (use,))


class Quiet:
    def __init__(self, name):
        self.name = name

    def __str__(self):
        return ask("shown " + self.name)


def test_texts_may_be_answers(check: Check) -> None:
    def run():
        return [(f"{Quiet(name)}|{name}", str(Quiet(name)), ask(name)) for name in NAMES]

    stats = check(run, width=8)
    assert stats is not None
    assert stats.rounds == 1
