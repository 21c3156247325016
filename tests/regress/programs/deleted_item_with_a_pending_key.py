"""An item is deleted whose key is not known yet."""

from random_programs.world import info

G1 = []


def make():
    given_a20 = 0
    given_a21 = "a"
    return (given_a20, given_a21)


def main(a21, depth):
    v28 = info()
    if v28:
        del G1[v28]
