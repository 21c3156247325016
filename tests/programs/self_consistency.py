# ruff: noqa
# mypy: ignore-errors
"""Self-consistency: several samples of one prompt, answers by regular expression, a vote, and a confidence."""

import re
from collections import Counter

from programs.world import llm

PROBLEMS = [
    {"q": "How many boats are there?", "gold": "3"},
    {"q": "How many kilns were lit?", "gold": "5"},
    {"q": "What is the sum of the ledger?", "gold": "1"},
]
N_SAMPLES = 5


def extract(text):
    match = re.search(r"(-?\d+)", text)
    return match.group(1) if match else None


def sample(question, i):
    text = llm(f"{question} Think step by step. [number 1-6]", temperature=0.7, sample=i, garbage_rate=0.2)
    return text


def vote(question):
    votes = Counter()
    invalid = 0
    for i in range(N_SAMPLES):
        answer = extract(sample(question, i))
        if answer is None:
            invalid += 1
            continue
        votes[answer] += 1
    if not votes:
        return None, 0.0, invalid
    (best, n), *rest = votes.most_common()
    if rest and rest[0][1] == n:
        tie = [a for a, c in votes.items() if c == n]
        best = llm(f"{question} Decide between {', '.join(sorted(tie))} [one of: {' | '.join(sorted(tie))}]")
    return best, n / N_SAMPLES, invalid


def main(workdir):
    correct = 0
    report = []
    for i, problem in enumerate(PROBLEMS, 1):
        answer, confidence, invalid = vote(problem["q"])
        hit = answer == problem["gold"]
        correct += hit
        report.append((problem["q"], answer, confidence, hit))
        print(f"{i:2d}. {'ok ' if hit else 'bad'} {answer} ({confidence:.0%}, {invalid} invalid)")
    print(f"accuracy: {correct}/{len(PROBLEMS)}")
    return report
