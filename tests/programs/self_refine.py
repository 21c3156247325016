# ruff: noqa
# mypy: ignore-errors
"""Self-refine: draft, feedback with a score, refine until it is good enough; history kept in dataclasses."""

import json
from dataclasses import asdict, dataclass, field

from programs.world import llm

MAX_ITERATIONS = 3
GOOD_ENOUGH = 7


@dataclass
class Attempt:
    text: str
    score: int
    advice: str


@dataclass
class Record:
    task: str
    attempts: list = field(default_factory=list)

    @property
    def best(self):
        return max(self.attempts, key=lambda a: a.score)

    def to_json(self):
        return json.dumps(asdict(self))


def get_feedback(task, text):
    raw = llm(f"Rate and advise. Task: {task}. Text: {text} [json: score=number, advice=word]")
    try:
        data = json.loads(raw)
        return data["score"], data["advice"]
    except (json.JSONDecodeError, KeyError):
        return 0, "unreadable feedback"


def refine(task):
    record = Record(task)
    text = llm(f"Write: {task}")
    for i in range(MAX_ITERATIONS):
        score, advice = get_feedback(task, text)
        record.attempts.append(Attempt(text, score, advice))
        print(f"{task} #{i}: {score}")
        if score >= GOOD_ENOUGH:
            break
        text = llm(f"Improve this for {task}: {text}. Mind: {advice}")
    return record


def main(workdir):
    tasks = ["a haiku", "a toast", "a slogan", "an apology", "a riddle"]
    records = []
    for task in tasks:
        records.append(refine(task))
    with open(f"{workdir}/refined.jsonl", "w") as f:
        for record in records:
            f.write(record.to_json() + "\n")
    mean = sum(r.best.score for r in records) / len(records)
    print(f"mean best score {mean:.2f}")
    return [r.best.text for r in records]
