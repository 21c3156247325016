# ruff: noqa
# mypy: ignore-errors
"""Generative agents: a memory stream with importance and embeddings, retrieval by score, reflection past a threshold."""

import math
from dataclasses import dataclass, field
from typing import List

from programs.world import embed, llm


@dataclass
class Memory:
    text: str
    created: int
    importance: int
    vector: List[float] = field(repr=False)


class Agent:
    def __init__(self, name):
        self.name = name
        self.stream: List[Memory] = []
        self.clock = 0
        self.since_reflection = 0

    def observe(self, text):
        self.clock += 1
        importance = int(llm(f"How poignant for {self.name}: {text} [number 1-10]"))
        self.stream.append(Memory(text, self.clock, importance, embed(text)))
        self.since_reflection += importance
        return importance

    def retrieve(self, query, k=3):
        vector = embed(query)

        def score(memory):
            recency = 0.9 ** (self.clock - memory.created)
            relevance = sum(a * b for a, b in zip(vector, memory.vector))
            return recency + memory.importance / 10 + relevance / math.sqrt(len(vector))

        return sorted(self.stream, key=score, reverse=True)[:k]

    def maybe_reflect(self, threshold):
        if self.since_reflection < threshold:
            return None
        recent = "; ".join(m.text for m in self.stream[-3:])
        insight = llm(f"An insight of {self.name} from: {recent}")
        self.stream.append(Memory(insight, self.clock, 8, embed(insight)))
        self.since_reflection = 0
        return insight


EVENTS = {
    "Isabella": ["opened the cafe", "met Klaus", "planned a party"],
    "Klaus": ["read a book", "met Isabella", "walked home"],
}


def main(workdir):
    agents = {name: Agent(name) for name in EVENTS}
    for step in range(3):
        for name, events in EVENTS.items():
            agent = agents[name]
            importance = agent.observe(events[step])
            print(f"t{step} {name}: {events[step]} ({importance})")
    insights = {}
    for name, agent in agents.items():
        insight = agent.maybe_reflect(threshold=12)
        if insight:
            print(name, "reflects")
        insights[name] = insight
    plans = {}
    for name, agent in agents.items():
        memories = agent.retrieve("what to do tomorrow")
        plans[name] = llm(f"Plan for {name}: " + " | ".join(m.text for m in memories))
    return plans, insights
