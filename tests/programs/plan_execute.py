# ruff: noqa
# mypy: ignore-errors
"""Plan and execute: a plan is parsed into steps with references to earlier results, executed, checked, and replanned."""

import re
from collections import OrderedDict

from programs.world import llm, search

TASKS = ["compare two lighthouses", "write a history of amber trade"]


class Step:
    def __init__(self, number, text, tool):
        self.number = number
        self.text = text
        self.tool = tool
        self.result = None
        self.ok = None

    def __str__(self):
        return f"#{self.number} {self.tool}: {self.text}"


def parse_plan(text):
    steps = []
    for line in text.splitlines():
        m = re.match(r"(\d+)\.\s*(.+)", line)
        if not m:
            continue
        number = int(m.group(1))
        steps.append(Step(number, m.group(2), "search" if number % 2 else "reason"))
    return steps


def do_search(step, memory):
    results = search(step.text)
    return " / ".join(r["snippet"] for r in results)


def do_reason(step, memory):
    known = "\n".join(f"#{n}: {r}" for n, r in memory.items() if n == step.number - 1)
    return llm(f"Given\n{known}\ndo: {step.text}")


EXECUTORS = {"search": do_search, "reason": do_reason}


def execute(task):
    plan = parse_plan(llm(f"Plan: {task} [list of 4]"))
    memory = OrderedDict()
    for step in plan:
        step.result = EXECUTORS[step.tool](step, memory)
        memory[step.number] = step.result
        print(step, "->", step.result[:25])
    for step in plan:
        verdict = llm(f"Is this step done? {step.text}: {step.result} [one of: yes | no]")
        step.ok = verdict == "yes"
        if not step.ok:
            step.result = llm(f"Do it properly: {step.text}, not like {step.result}")
            memory[step.number] = step.result
            print("redone", step)
    report = llm(f"Report on {task}:\n" + "\n".join(f"{n}. {r}" for n, r in memory.items()))
    return {"task": task, "report": report, "redone": [s.number for s in plan if not s.ok]}


def main(workdir):
    reports = [execute(task) for task in TASKS]
    for r in reports:
        print(r["task"], r["redone"])
    return reports
