# ruff: noqa
# mypy: ignore-errors
"""Interviews from several perspectives, with searches, collected into an article with numbered references."""

from concurrent.futures import ThreadPoolExecutor  # imported but switched off, as people leave it
from typing import List, NamedTuple

from programs.world import llm, search

USE_THREADS = False


class Turn(NamedTuple):
    question: str
    answer: str
    urls: tuple


class References:
    def __init__(self):
        self.numbers = {}

    def cite(self, urls):
        out = []
        for url in urls:
            if url not in self.numbers:
                self.numbers[url] = len(self.numbers) + 1
            out.append(self.numbers[url])
        return out


def ask_question(topic, perspective, turns: List[Turn]):
    history = "\n".join(f"Q: {t.question}\nA: {t.answer}" for t in turns[-2:])
    return llm(f"As a {perspective}, ask about {topic}.\n{history}")


def answer_question(topic, question):
    queries = llm(f"Search queries for {question} [list of 2]").splitlines()
    found = []
    for query in queries:
        found.extend(search(query, k=2))
    snippets = " ".join(r["snippet"] for r in found)
    return llm(f"Answer {question} from: {snippets}"), tuple(r["url"] for r in found)


def interview(topic, perspective, n_turns=2):
    turns = []
    for _ in range(n_turns):
        question = ask_question(topic, perspective, turns)
        if question.lower().startswith("thank you"):
            break
        answer, urls = answer_question(topic, question)
        turns.append(Turn(question=question, answer=answer, urls=urls))
    return turns


def main(workdir):
    topic = "lighthouses"
    perspectives = ["sailor", "historian", "engineer"]
    if USE_THREADS:
        with ThreadPoolExecutor() as pool:
            conversations = list(pool.map(lambda p: interview(topic, p), perspectives))
    else:
        conversations = [interview(topic, p) for p in perspectives]
    references = References()
    body = []
    for perspective, turns in zip(perspectives, conversations):
        body.append(f"== {perspective.capitalize()} ==")
        for turn in turns:
            marks = "".join(f"[{n}]" for n in references.cite(turn.urls))
            body.append(f"{turn.answer} {marks}")
    article = "\n".join(body)
    lead = llm(f"A lead section for:\n{article}")
    print(f"{len(references.numbers)} references, {len(article.split())} words")
    with open(f"{workdir}/article.txt", "w") as f:
        print(lead, article, sep="\n\n", file=f)
        for url, n in references.numbers.items():
            print(f"[{n}] {url}", file=f)
    return lead
