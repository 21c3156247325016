# ruff: noqa
# mypy: ignore-errors
"""Labelling a CSV: a retry loop with growing pauses, a log file, a writer that flushes each row, failed rows at the end."""

import csv
import logging
import os
import time

from programs.world import ModelError, llm

LABELS = ["positive", "negative", "neutral"]
REVIEWS = [
    "The boat was lovely",
    "Never again",
    "It was fine, I suppose",
    "The kiln broke after a day",
    "Best harbor in the world",
    "I have no opinion",
    "Terrible service, good food",
]

logger = logging.getLogger("labelling")


def setup_logging(path):
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def label(text, max_retries=3):
    delay = 0.0
    for attempt in range(max_retries):
        try:
            answer = llm(
                f"Label the review: {text} [one of: {' | '.join(LABELS)}]", fail_rate=0.4, garbage_rate=0.3
            )
            answer = answer.strip().lower()
            if answer not in LABELS:
                raise ValueError(f"unexpected label {answer.split()[0]!r}")
            return answer
        except (ModelError, ValueError) as e:
            logger.warning("attempt %d of %r failed: %s", attempt + 1, text, e)
            time.sleep(delay)
            delay = delay * 2 + 0.0001
    return None


def main(workdir):
    setup_logging(os.path.join(workdir, "run.log"))
    failed = []
    counts = dict.fromkeys(LABELS, 0)
    out = open(os.path.join(workdir, "labels.csv"), "w", newline="")
    writer = csv.writer(out)
    writer.writerow(["id", "text", "label"])
    for i, text in enumerate(REVIEWS):
        result = label(text)
        if result is None:
            failed.append(i)
            continue
        counts[result] += 1
        writer.writerow([i, text, result])
        out.flush()
        logger.info("%d: %s", i, result)
    out.close()
    for handler in logger.handlers:
        handler.close()
    print("labelled", sum(counts.values()), "failed", failed)
    print(counts)
    return counts, failed
