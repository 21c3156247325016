# ruff: noqa
# mypy: ignore-errors
"""Map-reduce over chunks with a token budget: map, collapse while too long, reduce; a cost table at the end."""

import functools
from collections import namedtuple

from programs.world import OpenAI

Price = namedtuple("Price", "prompt completion")
PRICES = {"small": Price(0.1, 0.2), "large": Price(1.0, 2.0)}
MAX_TOKENS = 45


class Budget:
    def __init__(self, limit):
        self.limit = limit
        self.spent = 0.0
        self.calls = []

    def charge(self, model, usage):
        price = PRICES[model]
        cost = (usage.prompt_tokens * price.prompt + usage.completion_tokens * price.completion) / 1000
        self.spent += cost
        self.calls.append((model, round(cost, 5)))

    @property
    def left(self):
        return self.limit - self.spent


class Summarizer:
    def __init__(self, client, budget):
        self.client = client
        self.budget = budget

    def _chat(self, model, prompt):
        response = self.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": prompt}]
        )
        self.budget.charge(model, response.usage)
        return response.choices[0].message.content

    def map(self, chunks):
        return [self._chat("small", f"Summarise:\n{chunk}") for chunk in chunks]

    def collapse(self, texts):
        level = 0
        while sum(map(num_tokens, texts)) > MAX_TOKENS:
            level += 1
            pairs = [texts[i : i + 2] for i in range(0, len(texts), 2)]
            texts = [
                self._chat("small", "Merge:\n" + "\n".join(pair)) if len(pair) > 1 else pair[0]
                for pair in pairs
            ]
            print(f"collapsed to {len(texts)} texts, level {level}")
        return texts

    def reduce(self, texts):
        return self._chat("large", "Final summary of:\n" + "\n---\n".join(texts))


def num_tokens(text):
    return len(text.split())


def split_text(words, size, overlap=2):
    return [" ".join(words[i : i + size]) for i in range(0, len(words), size - overlap)]


def main(workdir):
    text = " ".join(f"word{i}" for i in range(70))
    budget = Budget(1.0)
    summarizer = Summarizer(OpenAI(), budget)
    chunks = split_text(text.split(), 10)
    stages = [summarizer.map, summarizer.collapse, summarizer.reduce]
    result = functools.reduce(lambda value, stage: stage(value), stages, chunks)
    print(f"{len(budget.calls)} calls, {budget.spent:.4f} spent, {budget.left:.4f} left")
    by_model = {}
    for model, cost in budget.calls:
        by_model.setdefault(model, []).append(cost)
    for model, costs in by_model.items():
        print(f"{model}: {len(costs)} calls, {sum(costs):.5f}")
    return result
