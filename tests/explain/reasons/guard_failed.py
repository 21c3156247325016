import logging

from explain.stand_in import QUESTIONS, ask


class Counting(logging.Handler):
    def emit(self, record):
        self.count = getattr(self, "count", 0) + 1


counted = logging.getLogger("counted")
counted.addHandler(Counting())
plain = logging.getLogger("plain")


def waits():
    history = []
    for question in QUESTIONS:
        counted.warning("%s", ask(question))
        history.append(ask(f"{len(history)}: {question}"))
    return history


def repaired():
    history = []
    for question in QUESTIONS:
        plain.warning("%s", ask(question))
        history.append(ask(f"{len(history)}: {question}"))
    return history
