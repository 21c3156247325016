"""What a generator raises has the line of the loop in its traceback."""

from random_programs.world import record


def h2(a3, a4, a5):
    yield from 0


def make():
    given_a25 = "b c"
    given_a26 = "b c"
    return (given_a25, given_a26)


def main(a25, a26):
    g39 = h2(0, 0, 0)
    for v40 in g39:
        record
