"""List that is given and held by another."""

from random_programs.world import count, info

G2 = []


def make():
    given_a9 = ["a"]
    given_a10 = {}
    return (given_a9, given_a10)


def main(a9, a10):
    G2.append(a9)
    a9[0] = count()
    a10["k"] = info(a9, G2)
