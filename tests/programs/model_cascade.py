# ruff: noqa
# mypy: ignore-errors
"""A cascade: the cheapest model first, a scorer decides whether to go on, costs and the model used kept on the object."""

from programs.world import llm


class Model:
    def __init__(self, name, price, threshold):
        self.name = name
        self.price = price
        self.threshold = threshold

    def __repr__(self):
        return f"Model({self.name!r})"


class Cascade:
    def __init__(self, models):
        self.models = models
        self.cost = None
        self.used = None
        self.total = 0.0
        self.counts = {m.name: 0 for m in models}

    def get_completion(self, model, query):
        answer = llm(f"{model.name}: {query}")
        self.cost = self.cost + model.price * len(answer.split())
        return answer

    def reliability(self, query, answer):
        return int(llm(f"Is '{answer}' reliable for '{query}'? [number 0-99]")) / 100

    def query(self, query):
        self.cost = 0.0
        for model in self.models:
            answer = self.get_completion(model, query)
            self.used = model
            if self.reliability(query, answer) >= model.threshold:
                break
        self.total += self.cost
        self.counts[self.used.name] += 1
        return answer


def main(workdir):
    cascade = Cascade([Model("tiny", 0.1, 0.6), Model("medium", 1.0, 0.5), Model("huge", 10.0, 0.0)])
    rows = []
    for query in [
        "capital of Peru",
        "boiling point of tin",
        "author of Emma",
        "largest moon",
        "oldest bridge",
    ]:
        answer = cascade.query(query)
        rows.append(
            {"query": query, "answer": answer, "by": cascade.used.name, "cost": round(cascade.cost, 3)}
        )
        print(f"{query:24s} {cascade.used.name:8s} {cascade.cost:8.2f}")
    print(f"total {cascade.total:.2f}", cascade.counts)
    return rows
