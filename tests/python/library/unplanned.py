"""What programs that were not written for XCS do with answers in between."""

from __future__ import annotations

import json
import re
from typing import Any

import xcs

from ..conftest import ask, log
from . import program

NAMES = ["a", "b", "c", "d", "e"]


@program(rounds=2)
def texts_are_cleaned_with_a_replacement() -> Any:
    out = []
    for name in NAMES:
        text = re.sub(r"[<>]", " ", ask(name)).strip()
        if "z" not in text:
            out.append(ask(text))
    return out


@program(rounds=2)
def the_first_that_fits_is_taken() -> Any:
    rows = [{"name": name, "state": ""} for name in NAMES]
    for name in NAMES:
        index = next(i for i, row in enumerate(rows) if row["name"] == name)
        row = next((row for row in rows if row["name"] == name), None)
        if row is not None:
            row["state"] = ask(name) + str(index)
    return rows, ask(json.dumps(rows))


@program(rounds=2)
def what_is_loaded_is_imported_again() -> Any:
    out = []
    for name in NAMES:
        import os.path
        import xml.dom as tree
        from json import dumps as written

        out.append(written([ask(name), tree.__name__, os.path.sep]))
    return out, ask(",".join(out))


@program(rounds=5)
def the_first_of_what_nobody_has_made_is_asked_for() -> Any:
    out = []
    for name in NAMES:
        log(name)
        out.append(next((ask(name + other) for other in NAMES), "none"))
    try:
        next(name for name in NAMES if not ask(name))
    except StopIteration as error:
        out.append(repr(error))
    return out


class Reply(dict[str, Any]):
    """As old versions of clients have it: items that are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@xcs.op
def reply(prompt: str) -> Any:
    return Reply(choices=[Reply(text=ask(prompt), attempts=1)])


@program(rounds=2)
def answers_are_dicts_of_a_class_of_their_own() -> Any:
    out = []
    for name in NAMES:
        answer = reply(name)
        text = answer["choices"][0]["text"]
        if "z" not in text:
            out.append(ask(text) + str(answer["choices"][0]["attempts"]))
    return out


def insistent(prompt: str) -> str:
    try:
        answer = ask(prompt)
    except ValueError:
        log("again")
        return insistent(prompt.replace("bad", "good"))
    return answer


@program(rounds=2)
def a_handler_asks_once_more() -> Any:
    context = []
    for name in NAMES:
        context.append({"said": insistent(name)})
    return [insistent("then " + said["said"][1:]) for said in context]


def parts_of(text: str) -> list[dict[str, str]]:
    found = []
    part: dict[str, str] = {}
    for line in text.split(","):
        if line.startswith("<"):
            part = {"kind": line[1:2].strip(), "rest": line[2:-1].strip()}
        else:
            found.append(part)
    found.append(part)
    return found


@program(rounds=2, width=3)
def lines_are_cut_to_pieces() -> Any:
    out = []
    for name in NAMES[:3]:
        for part in parts_of(ask(name)):
            out.append(ask(part["kind"] + "2"))
            log(part["rest"])
    return out
