"""A list with an answer in it is copied after the answer has come."""

from random_programs.world import ask, info

G2 = "c"


def make():
    given_a10 = 1
    given_a11 = ""
    return (given_a10, given_a11)


def main(a10, a11):
    v18, v19 = (0, [G2, info()])
    v19[0] = 0
    v20 = ask(v19)
    return v20
