# ruff: noqa
# mypy: ignore-errors
"""Prompt optimisation: candidates scored on examples, the best kept in a heap, mutated, scored again."""

import heapq
import itertools
import operator
import os

from programs.world import llm

TRAIN = [("2+2", "4"), ("3+5", "8"), ("1+6", "7")]
counter = itertools.count()


def accuracy(prompt, examples):
    hits = 0
    for question, gold in examples:
        prediction = llm(f"{prompt}\nQ: {question}\nA: [one of: {gold} | wrong]")
        if prediction == gold:
            hits += 1
    return hits / len(examples)


def propose(task, n):
    return [llm(f"An instruction for {task}", seed=i) for i in range(n)]


def mutate(prompt, n=1):
    return [llm(f"Vary the instruction: {prompt}", seed=i) for i in range(n)]


def optimise(task, generations=2, width=2, verbose=True):
    beam = []
    history = []
    candidates = propose(task, 3)
    for generation in range(generations):
        for prompt in candidates:
            score = accuracy(prompt, TRAIN)
            history.append((generation, round(score, 2)))
            heapq.heappush(beam, (-score, next(counter), prompt))
        beam = heapq.nsmallest(width, beam)
        if verbose:
            print(f"generation {generation}: best {-beam[0][0]:.2f}")
        candidates = list(itertools.chain.from_iterable(mutate(p) for _, _, p in beam))
    best = min(beam, key=operator.itemgetter(0))
    return best[2], -best[0], history


def main(workdir):
    prompt, score, history = optimise("adding numbers")
    with open(os.path.join(workdir, "best_prompt.txt"), "w") as f:
        f.write(prompt)
    print("history:", history)
    return prompt, score
