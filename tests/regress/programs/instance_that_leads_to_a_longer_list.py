"""A call sees what was appended to a list in an attribute of its argument."""

from random_programs.world import count, record


class C21:
    def __init__(self, a25):
        self.x22 = []


def make():
    given_a36 = C21("b c")
    return (given_a36,)


def main(a36):
    n37 = 0
    while n37 < 2:
        n37 += 1
        a36.x22.append(sum(""))
        record(count(key=a36))
