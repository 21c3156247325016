# ruff: noqa
# mypy: ignore-errors
"""Self-instruct: few-shot prompts from a random sample of the seeds, filtered, deduplicated, appended to a file."""

import json
import os
import random
import re

from programs.world import llm

SEEDS = [
    {"instruction": f"{verb} the {noun}", "topic": noun}
    for verb, noun in [
        ("Describe", "harbor"),
        ("Draw", "kiln"),
        ("Rhyme about", "ledger"),
        ("Explain", "amber"),
        ("Price", "saddle"),
    ]
]
TONES = ["polite", "blunt", "curious"]


def encode_prompt(examples, tone):
    prompt = f"Write {tone} instructions like these.\n"
    for i, example in enumerate(examples):
        prompt += f"{i + 1}. {re.sub(chr(92) + 's+', ' ', example['instruction']).strip()}\n"
    return prompt + "[list of 2]"


def post_process(text):
    found = []
    for line in re.split(r"\n\d+\. |^\d+\. ", text):
        line = line.strip()
        if len(line.split()) < 3:
            continue
        if any(bad in line for bad in ("image", "graph")):
            continue
        found.append(line)
    return found


def main(workdir):
    random.seed(11)
    path = os.path.join(workdir, "generated.jsonl")
    generated, seen, kept = [], set(), 0
    for request in range(6):
        examples = random.sample(SEEDS, 2)
        tone = random.choice(TONES)
        prompt = encode_prompt(examples, tone)
        text = llm(prompt, temperature=1.0)
        for instruction in post_process(text):
            if instruction in seen:
                continue
            seen.add(instruction)
            kept += 1
            entry = {"instruction": instruction, "tone": tone, "from": [e["topic"] for e in examples]}
            generated.append(entry)
            with open(path, "a") as f:
                f.write(json.dumps(entry) + "\n")
        print(f"request {request}: kept {kept}, tone {tone}")
    random.shuffle(generated)
    split = int(len(generated) * 0.8)
    print("train", split, "test", len(generated) - split)
    return [g["instruction"] for g in generated]
