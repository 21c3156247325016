# ruff: noqa
# mypy: ignore-errors
"""Meeting minutes: a transcript cut by speaker, independent analyses of each part, action items, an e-mail per person."""

import json
import os
import re
from datetime import date, timedelta
from itertools import groupby

from programs.world import llm

TRANSCRIPT = """ANN: We should paint the boat.
ANN: Before the summer.
BOB: I can buy the paint.
CAT: And who sails it?
BOB: Not me.
ANN: Then let us ask Dan."""


def parse(transcript):
    for line in transcript.splitlines():
        m = re.match(r"(?P<who>[A-Z]+): (?P<what>.*)", line)
        if m is None:
            continue
        yield m["who"].title(), m["what"]


def blocks(lines):
    return [
        (who, " ".join(what for _, what in group)) for who, group in groupby(lines, key=lambda pair: pair[0])
    ]


def analyse(text):
    return {
        "summary": llm(f"Summary of: {text}"),
        "key_points": llm(f"Key points of: {text} [list of 3]").splitlines(),
        "sentiment": llm(f"Sentiment of: {text} [one of: calm | tense]"),
    }


def action_items(parts, start):
    items = []
    for i, (who, what) in enumerate(parts):
        raw = llm(f"Action item for {who} from: {what} [json: task=word, days=number, needed=yes|no]")
        item = json.loads(raw)
        if item["needed"] == "no":
            continue
        due = start + timedelta(days=item["days"])
        items.append({"who": who, "task": item["task"], "due": due.isoformat()})
    return items


def main(workdir):
    lines = list(parse(TRANSCRIPT))
    parts = blocks(lines)
    minutes = analyse(TRANSCRIPT)
    minutes["actions"] = action_items(parts, date(2024, 5, 20))
    per_person = {}
    for item in minutes["actions"]:
        per_person.setdefault(item["who"], []).append(item)
    for who in sorted({who for who, _ in lines}):
        tasks = per_person.get(who, [])
        if not tasks:
            print(who, "has nothing to do")
            continue
        mail = llm(f"Write to {who} about {[t['task'] for t in tasks]}")
        with open(os.path.join(workdir, f"{who}.eml"), "w") as f:
            f.write(f"To: {who}\n\n{mail}\n")
        print(who, [t["due"] for t in tasks])
    with open(os.path.join(workdir, "minutes.json"), "w") as f:
        f.write(json.dumps(minutes, indent=2, sort_keys=True))
    return minutes["sentiment"], len(minutes["actions"])
