# ruff: noqa
# mypy: ignore-errors
"""An evaluation harness: resumes from a JSONL file, appends one line per sample, keeps accuracy per category."""

import json
import os
from collections import defaultdict

from tqdm import tqdm

from programs.world import ModelError, llm

SAMPLES = [
    {"id": f"s{i}", "category": c, "question": f"question {i} about {c}", "gold": g}
    for i, (c, g) in enumerate(
        [
            ("math", "A"),
            ("law", "B"),
            ("math", "C"),
            ("art", "A"),
            ("law", "A"),
            ("art", "B"),
            ("math", "B"),
            ("art", "C"),
        ]
    )
]


def load_done(path):
    done = {}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                line = line.strip()
                if not line:
                    continue
                record = json.loads(line)
                done[record["id"]] = record
    return done


def ask(sample):
    prompt = f"{sample['question']}\nAnswer with one letter. [one of: A | B | C]"
    return llm(prompt, fail_rate=0.3)


def evaluate(samples, path):
    done = load_done(path)
    stats = defaultdict(lambda: {"correct": 0, "total": 0})
    errors = 0
    for sample in tqdm(samples, desc="evaluating", disable=True):
        if sample["id"] in done:
            record = done[sample["id"]]
        else:
            try:
                answer = ask(sample)
            except ModelError as e:
                errors += 1
                print(f"skipping {sample['id']}: {e}")
                continue
            record = {"id": sample["id"], "answer": answer, "correct": answer == sample["gold"]}
            with open(path, "a") as f:
                f.write(json.dumps(record) + "\n")
        cat = stats[sample["category"]]
        cat["total"] += 1
        if record["correct"]:
            cat["correct"] += 1
    return dict(stats), errors


def main(workdir):
    path = os.path.join(workdir, "results.jsonl")
    with open(path, "w") as f:
        f.write(json.dumps({"id": "s1", "answer": "B", "correct": True}) + "\n\n")
    stats, errors = evaluate(SAMPLES, path)
    for category in sorted(stats):
        s = stats[category]
        print(f"{category:8s} {s['correct']}/{s['total']} = {s['correct'] / s['total']:.0%}")
    overall = sum(s["correct"] for s in stats.values()) / max(1, sum(s["total"] for s in stats.values()))
    print(f"overall {overall:.3f}, errors {errors}")
    return stats
