# ruff: noqa
# mypy: ignore-errors
"""Multi-hop questions over a retriever, with a cache that is a JSON file written after each question."""

import json
from pathlib import Path

from programs.world import llm, search


class CachedLLM:
    def __init__(self, path):
        self.path = Path(path)
        self.hits = 0
        self.misses = 0
        self.cache = json.loads(self.path.read_text()) if self.path.exists() else {}

    def __call__(self, prompt):
        if prompt in self.cache:
            self.hits += 1
            return self.cache[prompt]
        self.misses += 1
        answer = llm(prompt)
        self.cache[prompt] = answer
        return answer

    def save(self):
        self.path.write_text(json.dumps(self.cache, indent=1, sort_keys=True))


class MultiHop:
    def __init__(self, model, hops=2):
        self.model = model
        self.hops = hops

    def answer(self, question):
        context = []
        for hop in range(self.hops):
            known = " ".join(context)
            query = self.model(f"A search query for: {question} Known: {known}")
            for passage in search(query, k=2):
                snippet = passage["snippet"]
                if snippet not in context:
                    context.append(snippet)
        return self.model(f"Context: {' | '.join(context)}\nQuestion: {question}"), context


def main(workdir):
    model = CachedLLM(f"{workdir}/cache.json")
    program = MultiHop(model)
    questions = [
        "Who built the harbor?",
        "Where was amber found?",
        "Who built the harbor?",
        "When did the storm end?",
    ]
    predictions = []
    for i, question in enumerate(questions):
        answer, context = program.answer(question)
        model.save()
        predictions.append({"question": question, "answer": answer, "passages": len(context)})
        print(f"{i}: {answer[:24]} (hits {model.hits}, misses {model.misses})")
    return predictions
