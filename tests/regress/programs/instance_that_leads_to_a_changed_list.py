"""A call sees the list in an attribute of its argument as it is at its place."""

from dataclasses import dataclass

from random_programs.world import ask


@dataclass
class C1:
    x2: object
    x3: object


def make():
    given_a18 = C1([""], "a")
    return (given_a18,)


def main(a18):
    n38 = 0
    while n38 < 2:
        n38 += 1
        ask(a18)
        a18.x2[0] = 0
