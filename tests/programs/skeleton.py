# ruff: noqa
# mypy: ignore-errors
"""Skeleton of thought: an outline, each point expanded, printed as it goes, read through once, sections by generator."""

import re
import sys

from programs.world import llm


def outline(question, n=4):
    text = llm(f"An outline for: {question} [list of {n}]")
    for line in text.splitlines():
        m = re.match(r"\s*(\d+)\.\s+(.*)", line)
        if m:
            yield int(m.group(1)), m.group(2)


def sections(question):
    points = list(outline(question))
    titles = "\n".join(f"{n}. {t}" for n, t in points)
    for number, title in points:
        body = llm(f"{question}\nOutline:\n{titles}\nWrite point {number}, {title}, in two sentences.")
        yield number, title, body


def essay(question):
    parts = []
    for number, title, body in sections(question):
        sys.stdout.write(f"{number}. {title}\n")
        sys.stdout.flush()
        parts.append(f"{title.title()}\n{body}")
    text = "\n\n".join(parts)
    check = llm(f"Is this coherent? [one of: yes | no]\n{text} [one of: yes | no]")
    if check == "no":
        print("rewriting")
        text = llm(f"Make this coherent:\n{text}")
    return text


def main(workdir):
    essays = {}
    for question in ["Why do we sleep?", "What is money?", "How do bees dance?"]:
        essays[question] = essay(question)
        print("-" * 20)
    with open(f"{workdir}/essays.md", "w") as f:
        for question, text in essays.items():
            f.write(f"# {question}\n\n{text}\n\n")
    return {q: len(t) for q, t in essays.items()}
