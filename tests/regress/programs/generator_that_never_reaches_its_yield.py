"""A function with a yield that cannot be reached is a generator all the same."""

from random_programs.world import count


def h10():
    return
    yield from 0


def make():
    given_a29 = 0
    given_a30 = "b c"
    return (given_a29, given_a30)


def main(a29, a30):
    count()
    g32 = h10()
    next(g32, "a")
