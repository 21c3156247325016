"""A string is sliced while earlier calls are in flight."""

from random_programs.world import ask


def make():
    return ("abc",)


def main(text):
    answers = [ask(text), ask(text)]
    return text[:2], b"xyz"[1:], (text, ask(text[1:]))[1:], answers
