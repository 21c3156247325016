# ruff: noqa
# mypy: ignore-errors
"""A cache on disk, one file per prompt, named by its hash; the same prompts come up again."""

import hashlib
import json
import os
import time

from programs.world import llm


class DiskCache:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.stats = {"hit": 0, "miss": 0}

    def path(self, prompt, **params):
        key = hashlib.md5(json.dumps([prompt, params], sort_keys=True).encode("utf-8")).hexdigest()
        return os.path.join(self.directory, key + ".json")

    def get(self, prompt, **params):
        path = self.path(prompt, **params)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                self.stats["hit"] += 1
                return json.load(f)["response"]
        return None

    def put(self, prompt, response, **params):
        with open(self.path(prompt, **params), "w", encoding="utf-8") as f:
            json.dump({"prompt": prompt, "response": response, "params": params}, f)
        self.stats["miss"] += 1


def complete(cache, prompt, temperature=0.0):
    cached = cache.get(prompt, temperature=temperature)
    if cached is not None:
        return cached
    response = llm(prompt, temperature=temperature)
    cache.put(prompt, response, temperature=temperature)
    time.sleep(0)
    return response


def main(workdir):
    cache = DiskCache(os.path.join(workdir, "cache"))
    words = ["tide", "moss", "tide", "fern", "moss", "reed"]
    definitions = []
    for i, word in enumerate(words):
        text = complete(cache, f"Define {word}")
        definitions.append((word, text[:20]))
        print(f"{i + 1}/{len(words)} {word}")
    print("cache:", cache.stats)
    with open(os.path.join(workdir, "definitions.tsv"), "w") as f:
        f.writelines(f"{w}\t{d}\n" for w, d in definitions)
    return definitions
