# ruff: noqa
# mypy: ignore-errors
"""Generate, criticise with a rubric of several criteria, revise until all pass or three rounds; best kept by score."""
from programs.world import llm
CRITERIA = ("clear", "short", "kind")

class Draft:
    def __init__(self, text, parent=None):
        self.text = text
        self.parent = parent
        self.scores = {}
    @property
    def total(self):
        return sum(self.scores.values())
    def __lt__(self, other):
        return self.total < other.total

def criticise(draft):
    problems = []
    for criterion in CRITERIA:
        score = int(llm(f"Is {draft.text} {criterion}? [number 0-9]"))
        draft.scores[criterion] = score
        if score < 5:
            problems.append(criterion)
    return problems

def improve(topic, rounds=3):
    draft = Draft(llm(f"Write about {topic}"))
    history = [draft]
    for _ in range(rounds):
        problems = criticise(draft)
        if not problems:
            break
        draft = Draft(llm(f"Rewrite {draft.text} to be {' and '.join(problems)}"), draft)
        history.append(draft)
    return max(history), len(history)

def main(workdir):
    out = []
    for topic in ["tea", "fog", "ink"]:
        best, n = improve(topic)
        out.append((best.text, best.scores, n))
        print(topic, n, best.total)
    return out
