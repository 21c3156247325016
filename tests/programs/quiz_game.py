# ruff: noqa
# mypy: ignore-errors
"""A quiz between models: a host makes questions, players answer, lives and scores change, a leaderboard each round."""

import copy
import random

from programs.world import llm


class Player:
    def __init__(self, name, lives=2):
        self.name = name
        self.lives = lives
        self.score = 0

    @property
    def alive(self):
        return self.lives > 0

    def answer(self, question):
        return llm(f"{self.name}, {question['text']} [one of: {' | '.join(question['options'])}]")

    def __lt__(self, other):
        return (-self.score, self.name) < (-other.score, other.name)


class Quiz:
    def __init__(self, topics, players):
        self.topics = topics
        self.players = players
        self.rounds = []

    def make_question(self, topic):
        options = [
            o.split(". ", 1)[1].split()[0] for o in llm(f"Options on {topic} [list of 3]").splitlines()
        ]
        text = llm(f"A question on {topic}")
        return {"topic": topic, "text": text, "options": options, "gold": options[0]}

    def play_round(self, number, topic):
        question = self.make_question(topic)
        outcome = {}
        for player in self.players:
            if not player.alive:
                continue
            given = player.answer(question)
            if given == question["gold"]:
                player.score += 10
            else:
                player.lives -= 1
            outcome[player.name] = given == question["gold"]
        self.rounds.append(outcome)
        board = ", ".join(f"{p.name} {p.score}{'' if p.alive else ' (out)'}" for p in sorted(self.players))
        print(f"round {number} ({topic}): {board}")

    def snapshot(self):
        return copy.deepcopy({p.name: (p.score, p.lives) for p in self.players})


def main(workdir):
    rng = random.Random(1)
    topics = ["rivers", "metals", "poets", "planets"]
    rng.shuffle(topics)
    quiz = Quiz(topics, [Player(n) for n in ("ada", "bob", "cyd")])
    snapshots = []
    for number, topic in enumerate(topics, 1):
        quiz.play_round(number, topic)
        snapshots.append(quiz.snapshot())
    champion = min(quiz.players)
    speech = llm(f"{champion.name} won with {champion.score} points. A speech:")
    return champion.name, speech, snapshots
