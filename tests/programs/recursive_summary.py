# ruff: noqa
# mypy: ignore-errors
"""Recursive summaries of a book: chapters, then parts, until the text fits; counts in module globals."""

import textwrap

from programs.world import llm

N_CALLS = 0
N_WORDS = 0
LIMIT = 40

BOOK = [
    " ".join(
        f"sentence {c}-{s} about the sea and the {w}."
        for s, w in enumerate(["boat", "wind", "shore", "storm"])
    )
    for c in range(6)
]


def count_tokens(text):
    return len(text.split())


def complete(prompt):
    global N_CALLS, N_WORDS
    answer = llm(prompt)
    N_CALLS += 1
    N_WORDS += count_tokens(answer)
    return answer


def chunked(texts, limit):
    group, size, groups = [], 0, []
    for text in texts:
        n = count_tokens(text)
        if group and size + n > limit:
            groups.append(group)
            group, size = [], 0
        group.append(text)
        size += n
    if group:
        groups.append(group)
    return groups


def summarize(texts, depth=0):
    indent = "  " * depth
    print(f"{indent}level {depth}: {len(texts)} texts, {sum(count_tokens(t) for t in texts)} words")
    if len(texts) == 1 and count_tokens(texts[0]) <= LIMIT:
        return texts[0]
    summaries = []
    for i, group in enumerate(chunked(texts, LIMIT)):
        joined = "\n\n".join(group)
        summary = complete(f"Summarise part {i} of level {depth} in one sentence:\n{joined}")
        summaries.append(summary)
        print(f"{indent}  {textwrap.shorten(summary, 40)}")
    if len(summaries) == 1:
        return summaries[0]
    return summarize(summaries, depth + 1)


def main(workdir):
    final = summarize(BOOK)
    title = complete("A title for: " + final)
    print(N_CALLS, "calls", N_WORDS, "words")
    return {"title": title.title(), "summary": final}
