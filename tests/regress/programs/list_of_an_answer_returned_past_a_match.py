"""List of an answer returned past a match."""

import functools
from random_programs.world import ask


def h3(a4):
    match a4:
        case str() as v13 if 0:
            if 0:
                return a4
        case _:
            functools.reduce(lambda x, y: x + y, a4, "s")
    return [ask()]


def make():
    given_a35 = "b c"
    return given_a35


def main(a35, a36, a37):
    h3(h3(h3("")))
