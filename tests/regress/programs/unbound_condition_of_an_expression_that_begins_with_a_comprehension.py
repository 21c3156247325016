"""A condition that is evaluated before the comprehension in front of it is not inside it."""

from random_programs.world import ask


def make():
    return ("ab",)


def main(text):
    ask(text)
    (later := 0) if not text else 0
    return {ask(letter) for letter in text} if later else 0
