# ruff: noqa
# mypy: ignore-errors
"""A knock-out tournament between answers: pairs are judged both ways round, ties go by seed, byes are possible."""

import random

from programs.world import llm


class Entrant:
    def __init__(self, seed, style):
        self.seed = seed
        self.style = style
        self.text = None
        self.wins = 0
        self.log = []

    def write(self, task):
        self.text = llm(f"As a {self.style} writer: {task}")
        return self

    def __repr__(self):
        return f"<{self.style} #{self.seed} wins={self.wins}>"


class Judge:
    def __init__(self, criterion):
        self.criterion = criterion
        self.verdicts = []

    def prefers_first(self, a, b):
        forward = llm(f"Which is more {self.criterion}? A: {a.text} B: {b.text} [one of: A | B]")
        backward = llm(f"Which is more {self.criterion}? A: {b.text} B: {a.text} [one of: A | B]")
        if (forward == "A") != (backward == "A"):
            decided = forward == "A"
        else:
            decided = a.seed < b.seed
        self.verdicts.append((a.style, b.style, decided))
        return decided


def play(judge, a, b, number):
    winner, loser = (a, b) if judge.prefers_first(a, b) else (b, a)
    winner.wins += 1
    winner.log.append(f"beat {loser.style} in round {number}")
    print(f"round {number}: {winner.style} beats {loser.style}")
    return winner


def main(workdir):
    styles = ["terse", "florid", "dry", "warm", "formal", "playful", "epic"]
    rng = random.Random(3)
    rng.shuffle(styles)
    field = [Entrant(i, style).write("describe a lighthouse") for i, style in enumerate(styles)]
    judge = Judge("vivid")
    number = 0
    while len(field) > 1:
        number += 1
        following = []
        if len(field) % 2:
            following.append(field.pop(0))
            print("bye for", following[0].style)
        for i in range(0, len(field), 2):
            following.append(play(judge, field[i], field[i + 1], number))
        field = following
    champion = field[0]
    print("champion:", champion, champion.log)
    return champion.style, champion.text, judge.verdicts
