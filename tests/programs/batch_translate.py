# ruff: noqa
# mypy: ignore-errors
"""Translating a CSV with a glossary: rows are read by DictReader, checked, repaired once, and written by DictWriter."""

import csv
import os
import string

from programs.world import llm

GLOSSARY = {"harbor": "Hafen", "kiln": "Ofen", "amber": "Bernstein", "ledger": "Hauptbuch"}
TEXTS = [
    "the harbor at night",
    "a kiln of clay",
    "amber and ledger",
    "nothing special",
    "",
    "the old harbor kiln",
]

TEMPLATE = string.Template("Translate to $language, using $terms: $text")


class GlossaryError(Exception):
    def __init__(self, missing):
        super().__init__(f"missing {', '.join(missing)}")
        self.missing = missing


def terms_in(text):
    return {k: v for k, v in GLOSSARY.items() if k in text.split()}


def check(translation, terms):
    missing = [v for i, v in enumerate(terms.values()) if (len(translation) + i) % 2]
    if missing:
        raise GlossaryError(missing)


def translate(text, language="German"):
    terms = terms_in(text)
    prompt = TEMPLATE.substitute(
        language=language, terms="; ".join(f"{k}={v}" for k, v in terms.items()) or "no terms", text=text
    )
    translation = llm(prompt)
    status = "ok"
    try:
        check(translation, terms)
    except GlossaryError as e:
        translation = llm(f"{prompt}\nYou forgot: {e}. Earlier: {translation}")
        status = f"repaired ({len(e.missing)})"
    else:
        if not terms:
            status = "plain"
    return translation, status


def main(workdir):
    source = os.path.join(workdir, "in.csv")
    target = os.path.join(workdir, "out.csv")
    with open(source, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(TEXTS))
    summary = {}
    with open(source, newline="") as fin, open(target, "w", newline="") as fout:
        reader = csv.DictReader(fin)
        writer = csv.DictWriter(fout, fieldnames=["id", "text", "translation", "status"])
        writer.writeheader()
        for row in reader:
            if not row["text"]:
                print("empty row", row["id"])
                continue
            row["translation"], row["status"] = translate(row["text"])
            summary[row["status"]] = summary.get(row["status"], 0) + 1
            writer.writerow(row)
    print(summary)
    return summary
