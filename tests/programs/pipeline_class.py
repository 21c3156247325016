# ruff: noqa
# mypy: ignore-errors
"""A pipeline of stages with hooks, a context dict handed from stage to stage, timings, history and cost on self."""

import time
import uuid
from contextlib import contextmanager

from programs.world import llm


class Timer:
    def __init__(self):
        self.elapsed = {}

    @contextmanager
    def measure(self, name):
        start = time.perf_counter()
        try:
            yield
        finally:
            self.elapsed[name] = self.elapsed.get(name, 0.0) + time.perf_counter() - start


class Stage:
    name = "stage"

    def __call__(self, context):
        raise NotImplementedError


class Clean(Stage):
    name = "clean"

    def __call__(self, context):
        context["text"] = " ".join(context["raw"].lower().split())
        return context


class Extract(Stage):
    name = "extract"

    def __call__(self, context):
        context["entities"] = llm(f"Entities in {context['text']} [list of 3]").splitlines()
        return context


class Classify(Stage):
    name = "classify"

    def __init__(self, labels):
        self.labels = labels

    def __call__(self, context):
        context["label"] = llm(f"Class of {context['text']} [one of: {' | '.join(self.labels)}]")
        return context


class Compose(Stage):
    name = "compose"

    def __call__(self, context):
        context["note"] = llm(f"A note on {context['label']}: {'; '.join(context['entities'])}")
        return context


class Pipeline:
    def __init__(self, *stages):
        self.stages = list(stages)
        self.timer = Timer()
        self.history = []
        self.cost = 0.0

    def run(self, raw):
        context = {"id": uuid.uuid5(uuid.NAMESPACE_URL, raw).hex[:8], "raw": raw}
        for stage in self.stages:
            with self.timer.measure(stage.name):
                context = stage(context)
            self.history.append((context["id"], stage.name))
        self.cost += 0.001 * len(context["note"])
        return context


def main(workdir):
    pipeline = Pipeline(Clean(), Extract(), Classify(["news", "sport", "weather"]), Compose())
    results = []
    for raw in ["  The Harbor  froze", "A KILN exploded", "Rain on   the delta", "Amber prices fell"]:
        context = pipeline.run(raw)
        print(context["id"], context["label"], context["note"][:20])
        results.append(context)
    print("stages timed:", sorted(pipeline.timer.elapsed), f"cost {pipeline.cost:.3f}")
    return results, pipeline.history
