import re

from explain.stand_in import QUESTIONS, ask, note


def noted(match):
    note(match.group())
    return match.group().lower()


def waits():
    return [re.sub(r"[A-Z]+", noted, ask(question)) for question in QUESTIONS]


def repaired():
    return [re.sub(r"[A-Z]+", str.lower, ask(question)) for question in QUESTIONS]
