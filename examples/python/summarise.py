"""Summarises documents, finds the most urgent one, and prints a line for each on the way.

    python summarise.py [--sequential]

The server is the one that OPENAI_BASE_URL and OPENAI_API_KEY name, or else a simulator that this program starts. The
output is the same with and without --sequential; the seconds on standard error are not.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

import xcs


def ask(prompt: str) -> str:
    return xcs.llm(prompt, model="gpt-5-mini")


def read_documents() -> dict[str, str]:
    return {f"report-{i}": f"Station {i} measured {i * 37 % 50} millimetres of rain." for i in range(1, 13)}


def rate(summary: str) -> int:
    return int(ask(f"How urgent is this: {summary} [number 0-9]"))


def summarise(documents: dict[str, str]) -> str:
    ratings = []
    for name, text in documents.items():
        summary = ask(f"Summarise in one sentence: {text}")
        urgency = rate(summary)
        if urgency >= 8:
            print(f"{name} is urgent: {ask(f'What should be done about: {summary}')}")
        ratings.append((urgency, name))
        print(f"{len(ratings)} of {len(documents)}: {name}")
    return max(ratings)[1]


def main() -> None:
    run = summarise if "--sequential" in sys.argv[1:] else xcs.jit(summarise)
    with contextlib.ExitStack() as stack:
        if "OPENAI_BASE_URL" not in os.environ:
            simulator = stack.enter_context(xcs.Simulator(latency_ms=100))
            os.environ.update(OPENAI_BASE_URL=simulator.base_url, OPENAI_API_KEY="any")
        start = time.perf_counter()
        most_urgent = run(read_documents())
        print(f"{time.perf_counter() - start:.2f} s", file=sys.stderr)
    print("most urgent:", most_urgent)


if __name__ == "__main__":
    main()
