"""The demo's workflows: plain sequential code that calls a model, prints, and handles exceptions."""

from __future__ import annotations

from xcs._llm import llm


def ask(prompt: str) -> str:
    return llm(prompt, model="gpt-5-mini")


# --- Documents -----------------------------------------------------------------------------------------------------


class NoKeywordsError(Exception):
    """The model found none."""


def extract_keywords(doc: str) -> list[str]:
    answer = ask(f"List the keywords of {doc} [list of 3]")
    if "coral" in answer:
        raise NoKeywordsError(doc)
    return answer.splitlines()


def combine(summaries: list[str], keywords: list[list[str]]) -> str:
    everything = summaries + [", ".join(words) for words in keywords]
    return ask("Write one paragraph about:\n" + "\n".join(everything))


def analyze_documents(docs: list[str]) -> str:
    summaries = [ask(f"Summarise {doc}") for doc in docs]
    keywords = []
    for doc in docs:
        try:
            keywords.append(extract_keywords(doc))
        except NoKeywordsError as error:
            print("no keywords for", error)
    return combine(summaries, keywords)


# --- A tree of thoughts --------------------------------------------------------------------------------------------


def rate(thought: str) -> int:
    return int(ask(f"Rate this plan: {thought} [number 0-99]"))


def grow(plan: str, depth: int) -> list[tuple[int, str]]:
    thoughts = [ask(f"Continue with idea {i}: {plan}") for i in range(3)]
    rated = [(rate(thought), thought) for thought in thoughts]
    kept = sorted(rated, reverse=True)[:2]
    print("depth", depth, "keeps", [score for score, _ in kept])
    if depth == 0:
        return kept
    leaves = []
    for _, thought in kept:
        leaves.extend(grow(f"{plan}, {thought}", depth - 1))
    return leaves


def tree_of_thoughts(question: str) -> tuple[int, str]:
    return max(grow(question, 1))


# --- A vote --------------------------------------------------------------------------------------------------------


def vote(question: str, samples: int) -> tuple[str, dict[str, int]]:
    votes: dict[str, int] = {}
    for i in range(samples):
        answer = ask(f"{question} Sample {i}. [one of: red | green | blue]")
        if answer not in votes:
            print("sample", i, "is the first for", answer)
        votes[answer] = votes.get(answer, 0) + 1
    return max(sorted(votes), key=lambda answer: votes[answer]), votes
