"""What a generator expression raises has the line of the loop in its traceback."""

from random_programs.world import ask


def h61():
    ask()


def make():
    return "a"


def main(a66):
    h61()
    v70 = "a"
    for i71 in (risky(v70) for c72 in v70):
        pass
