# ruff: noqa
# mypy: ignore-errors
"""Two personas talk to each other in several scenarios; each conversation is kept, scored, and written to its file."""

import random
from pathlib import Path

from programs.world import llm

SCENARIOS = ["a late train", "a lost dog", "a broken vase"]


class Persona:
    def __init__(self, name, traits):
        self.name = name
        self.traits = traits
        self.memory = []

    def reply(self, scenario, heard):
        self.memory.append(heard)
        recent = self.memory[-3:]
        prompt = f"You are {self.name}, {', '.join(self.traits)}. Scene: {scenario}.\n" + "\n".join(recent)
        line = llm(prompt).split()
        text = " ".join(line[:6]).capitalize() + "."
        self.memory.append(text)
        return text


class Conversation:
    def __init__(self, scenario, a, b):
        self.scenario = scenario
        self.turns = []
        self.speakers = [a, b]

    def run(self, n_turns):
        heard = f"It is about {self.scenario}."
        for turn in range(n_turns):
            speaker = self.speakers[turn % 2]
            heard = speaker.reply(self.scenario, heard)
            self.turns.append((speaker.name, heard))
            if "anchor" in heard.lower():
                print("  (they fell silent)")
                break
        return self

    def __len__(self):
        return len(self.turns)

    def __str__(self):
        return "\n".join(f"{who}: {what}" for who, what in self.turns)


def main(workdir):
    rng = random.Random(7)
    traits = ["calm", "nervous", "witty", "stern", "kind"]
    scores = {}
    for number, scenario in enumerate(SCENARIOS):
        a = Persona("Ada", rng.sample(traits, 2))
        b = Persona("Bob", rng.sample(traits, 2))
        conversation = Conversation(scenario, a, b).run(4)
        path = Path(workdir) / f"conversation_{number}.txt"
        path.write_text(str(conversation) + "\n")
        rating = llm(f"How natural is this?\n{conversation}\n[number 1-10]")
        scores[scenario] = int(rating)
        print(f"{scenario}: {len(conversation)} turns, natural {rating}")
    best = max(scores, key=scores.get)
    print("best:", best)
    return scores, best
