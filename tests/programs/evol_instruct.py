# ruff: noqa
# mypy: ignore-errors
"""Evolving instructions: a random operation on each, elimination of failures, several generations, a JSON dump of all."""

import json
import random

from programs.world import llm

SEEDS = ["Sort a list", "Name three rivers", "Explain tides", "Write a limerick"]


def deepen(instruction):
    return f"Make deeper: {instruction}"


def concretize(instruction):
    return f"Make concrete: {instruction}"


def constrain(instruction):
    return f"Add a constraint to: {instruction}"


def breadth(instruction):
    return f"Write a rarer one like: {instruction}"


OPERATIONS = [deepen, concretize, constrain, breadth]


def is_failure(before, after, response):
    if after.strip() == before.strip():
        return True
    if "sorry" in response.lower() or "zephyr" in response.lower():
        return True
    return (
        llm(f"Do these ask the same? 1: {before} 2: {after} [one of: equal | not equal | not equal]")
        == "equal"
    )


def evolve(instruction):
    operation = random.choice(OPERATIONS)
    evolved = llm(operation(instruction))
    response = llm(f"Respond to: {evolved}")
    return evolved, response, operation.__name__


def main(workdir):
    random.seed(42)
    pool = list(SEEDS)
    everything = []
    for generation in range(2):
        survivors = []
        for instruction in pool:
            evolved, response, how = evolve(instruction)
            if is_failure(instruction, evolved, response):
                survivors.append(instruction)
                print("kept the old one:", instruction[:16])
                continue
            survivors.append(evolved)
            everything.append(
                {"instruction": evolved, "output": response, "how": how, "generation": generation}
            )
        pool = survivors
        print(f"generation {generation}: {len(everything)} so far")
    with open(f"{workdir}/evolved.json", "w") as f:
        json.dump(everything, f, indent=4)
    return pool
