# ruff: noqa
# mypy: ignore-errors
"""ReAct: a question-answering agent with tools looked up by name, a scratchpad, and a limit on its steps."""

import re

from programs.world import llm, search

QUESTIONS = [
    "Who designed the harbor?",
    "When was the kiln built?",
    "How deep is the basin?",
    "Where is the ledger kept?",
]
MAX_STEPS = 5

PROMPT = """Answer the question. Use one action at a time.
[action: search | lookup | finish]

Question: {question}
{scratchpad}"""


class Agent:
    def __init__(self, name, verbose=True):
        self.name = name
        self.verbose = verbose
        self.docs = {}
        self.tools = {"search": self.search, "lookup": self.lookup}
        self.n_calls = 0

    def search(self, query):
        results = search(query)
        for r in results:
            self.docs[r["title"]] = r["snippet"]
        return "; ".join(r["title"] for r in results)

    def lookup(self, query):
        hits = [s for t, s in self.docs.items() if any(w in s for w in query.split())]
        if not hits:
            return f"nothing found for {query}"
        return hits[0]

    def parse(self, output):
        match = re.search(r"Action: (\w+)\[(.*)\]", output)
        if match is None:
            raise ValueError(f"cannot parse {output!r}")
        return match.group(1), match.group(2)

    def run(self, question):
        scratchpad = ""
        for step in range(1, MAX_STEPS + 1):
            output = llm(PROMPT.format(question=question, scratchpad=scratchpad))
            self.n_calls += 1
            try:
                action, argument = self.parse(output)
            except ValueError as e:
                scratchpad += f"\nObservation: {e}"
                continue
            if action == "finish":
                return {"question": question, "answer": argument, "steps": step}
            observation = self.tools[action](argument)
            scratchpad += f"\n{output}\nObservation {step}: {observation}"
            if self.verbose:
                print(f"[{self.name}] step {step}: {action}({argument}) -> {observation[:40]}")
        return {"question": question, "answer": None, "steps": MAX_STEPS}


def main(workdir):
    results = []
    for i, question in enumerate(QUESTIONS):
        agent = Agent(f"agent-{i}")
        result = agent.run(question)
        result["calls"] = agent.n_calls
        results.append(result)
        print(f"Q{i}: {result['answer']} after {result['steps']} steps")
    solved = sum(r["answer"] is not None for r in results)
    print(f"solved {solved}/{len(results)}")
    return results
