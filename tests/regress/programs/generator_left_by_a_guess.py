"""Generator left by a guess."""

from random_programs.world import parts


def h2():
    for i9 in range(3):
        yield 0
        if parts():
            return


def make():
    return "a"


def main(a96):
    return list(h2())
