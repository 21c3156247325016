"""A function that calls itself after a guess would never come to its end."""

from random_programs.world import ask, count, record


def tree(names, depth):
    if depth <= 0:
        return ask(names)
    below = tree(names + names, min(count(names), 3) - len(names))
    record(below)
    return ask(below)


def make():
    return (["a"],)


def main(names):
    return [tree([name], count(name)) for name in "abc"], tree(names, 2)
