"""A call whose callee waited for its turn stores to what a later loop reads."""

from random_programs.world import count, info, yes


def h6(a7, a8):
    a7[0] = 0


def make():
    given_a17 = "q"
    given_a18 = [3]
    return (given_a17, given_a18)


def main(a17, a18):
    info()
    a18.sort(key=str)
    h6(a18, count())
    [0 for c32 in a18 if yes(a18)]
