# ruff: noqa
# mypy: ignore-errors
"""Grading by a rubric: students x criteria, timers as context managers, try/finally, a second opinion in doubt."""

import time
from collections import Counter, defaultdict

from programs.world import ModelError, llm

RUBRIC = {"clarity": 0.4, "accuracy": 0.5, "style": 0.1}
ESSAYS = {"ann": "tides", "bob": "dunes", "cleo": "reefs", "dan": "fjords"}


class Timer:
    def __init__(self, sink, label):
        self.sink = sink
        self.label = label

    def __enter__(self):
        self.start = time.time()
        return self

    def __exit__(self, exc_type, exc, tb):
        self.sink[self.label].append(time.time() - self.start)
        return False


class Grader:
    def __init__(self):
        self.timings = defaultdict(list)
        self.in_progress = 0
        self.completed = 0
        self.second_opinions = Counter()

    def score(self, student, topic, criterion):
        with Timer(self.timings, criterion):
            text = llm(f"Grade the {criterion} of {student}'s essay on {topic} [number 0-10]", fail_rate=0.2)
        score = int(text)
        if score in (4, 5):
            self.second_opinions[criterion] += 1
            again = int(
                llm(f"Second opinion on the {criterion} of {student}'s essay on {topic} [number 0-10]")
            )
            score = (score + again) / 2
        return score

    def grade(self, student, topic):
        self.in_progress += 1
        try:
            total = 0.0
            for criterion, weight in RUBRIC.items():
                total += weight * self.score(student, topic, criterion)
            self.completed += 1
            return round(total, 2)
        finally:
            self.in_progress -= 1


def letter(total):
    for bound, grade in ((8, "A"), (6, "B"), (4, "C")):
        if total >= bound:
            return grade
    return "D"


def main(workdir):
    grader = Grader()
    grades = {}
    for student, topic in ESSAYS.items():
        try:
            total = grader.grade(student, topic)
        except ModelError as e:
            print(f"{student}: not graded ({e})")
            grades[student] = None
            continue
        grades[student] = letter(total)
        print(f"{student}: {total} {grades[student]}")
    print("completed", grader.completed, "in progress", grader.in_progress, dict(grader.second_opinions))
    print({k: len(v) for k, v in grader.timings.items()})
    return grades
