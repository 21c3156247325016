# ruff: noqa
# mypy: ignore-errors
"""An arena: random pairs of models answer, a judge decides, ratings are updated, a table goes to a string buffer."""

import io
import random
import re

from programs.world import llm

MODELS = ["alpha", "beta", "gamma", "delta"]
QUESTIONS = ["Why is the sky blue?", "What is a lighthouse?", "How do kites fly?"]
K = 32


def expected(ra, rb):
    return 1 / (1 + 10 ** ((rb - ra) / 400))


class Arena:
    def __init__(self, models, seed):
        self.ratings = {m: 1000.0 for m in models}
        self.games = {m: 0 for m in models}
        self.rng = random.Random(seed)
        self.answers = {}

    def answer(self, model, question):
        key = (model, question)
        if key not in self.answers:
            self.answers[key] = llm(f"{model} answers: {question}")
        return self.answers[key]

    def judge(self, question, a, b):
        text = llm(
            f"{question}\n[A] {a}\n[B] {b}\nVerdict: [one of: [[A]] | [[B]] | [[C]]]".replace(
                "[[", "<"
            ).replace("]]", ">"),
            garbage_rate=0.2,
        )
        m = re.search(r"([ABC])", text)
        return {"A": 1.0, "B": 0.0, "C": 0.5}.get(m.group(1) if m else "C")

    def battle(self, question):
        first, second = self.rng.sample(list(self.ratings), 2)
        score = self.judge(question, self.answer(first, question), self.answer(second, question))
        ra, rb = self.ratings[first], self.ratings[second]
        ea = expected(ra, rb)
        self.ratings[first] = ra + K * (score - ea)
        self.ratings[second] = rb + K * ((1 - score) - (1 - ea))
        self.games[first] += 1
        self.games[second] += 1
        return first, second, score

    def table(self):
        buffer = io.StringIO()
        for rank, (model, rating) in enumerate(sorted(self.ratings.items(), key=lambda kv: -kv[1]), 1):
            print(f"{rank}. {model:<8}{rating:8.1f} ({self.games[model]} games)", file=buffer)
        return buffer.getvalue()


def main(workdir):
    arena = Arena(MODELS, seed=5)
    history = []
    for round_number in range(3):
        for question in QUESTIONS:
            first, second, score = arena.battle(question)
            history.append((first, second, score))
            print(f"{first} vs {second}: {score}")
    print(arena.table(), end="")
    return history, arena.ratings
