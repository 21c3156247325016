"""The demo's workflows: plain sequential code that calls a model, prints, and handles exceptions."""

from __future__ import annotations

from collections import Counter

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
    keywords: list[list[str]] = []
    for doc in docs:
        try:
            keywords.append(extract_keywords(doc))
        except NoKeywordsError as error:
            print("no keywords for", error)
    return combine(summaries, keywords)


# --- A tree of thoughts --------------------------------------------------------------------------------------------


def rate(plan: str) -> int:
    return int(ask(f"Rate this plan: {plan} [number 0-99]"))


def tree_of_thoughts(question: str, depth: int) -> list[str]:
    plans = [question]
    for level in range(depth):
        thoughts = [ask(f"Idea {i} for {p}") for p in plans for i in range(3)]
        rated = sorted([(rate(t), t) for t in thoughts], reverse=True)
        print("level", level, "best rating", rated[0][0])
        plans = [t for _, t in rated[:3]]
    return plans


# --- A vote --------------------------------------------------------------------------------------------------------


def vote(question: str, samples: int) -> list[tuple[str, int]]:
    answers: list[str] = []
    for i in range(samples):
        answer = ask(f"{question} Sample {i}. [one of: red | green | blue]")
        if answer not in answers:
            print("sample", i, "is the first for", answer)
        answers.append(answer)
    return Counter(answers).most_common()
