# ruff: noqa
# mypy: ignore-errors
"""Retrieval with reranking: an index of embedded chunks, cosine similarity, scores by the model, an answer with sources."""

import math
import re
from dataclasses import dataclass, field

from programs.world import embed, llm

DOCUMENTS = {
    "amber.txt": "Amber is fossil resin. It washes up on the shore after storms. People have traded it for ages.",
    "kiln.txt": "A kiln is an oven for pottery. Early kilns were pits. Modern kilns are electric.",
    "ledger.txt": "A ledger records accounts. Each entry has a date. Double entry came later.",
}
QUESTIONS = ["What is amber?", "Which ovens are electric?", "What does an entry have?"]


@dataclass
class Chunk:
    source: str
    text: str
    vector: list = field(default_factory=list, repr=False)


class VectorStore:
    def __init__(self):
        self.chunks = []

    def add(self, source, text):
        chunk = Chunk(source, text, embed(text))
        self.chunks.append(chunk)

    def query(self, text, k=4):
        vector = embed(text)
        scored = []
        for chunk in self.chunks:
            scored.append((cosine(vector, chunk.vector), chunk))
        scored.sort(key=lambda pair: pair[0], reverse=True)
        return [chunk for _, chunk in scored[:k]]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    norm = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return dot / norm if norm else 0.0


def split(text):
    return [s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if s.strip()]


def rerank(question, chunks, top=2):
    ratings = {}
    for i, chunk in enumerate(chunks):
        answer = llm(f"How relevant is this to '{question}'? {chunk.text} [number 0-10]")
        try:
            ratings[i] = int(answer)
        except ValueError:
            ratings[i] = 0
    order = sorted(ratings, key=ratings.get, reverse=True)
    return [chunks[i] for i in order[:top]]


def main(workdir):
    store = VectorStore()
    for name, text in DOCUMENTS.items():
        for sentence in split(text):
            store.add(name, sentence)
    print(len(store.chunks), "chunks")
    answers = []
    for question in QUESTIONS:
        found = store.query(question)
        best = rerank(question, found)
        context = "\n".join(f"- {c.text} ({c.source})" for c in best)
        answer = llm(f"Context:\n{context}\n\nQuestion: {question}")
        sources = sorted({c.source for c in best})
        print(question, "->", answer[:30], sources)
        answers.append({"question": question, "answer": answer, "sources": sources})
    return answers
