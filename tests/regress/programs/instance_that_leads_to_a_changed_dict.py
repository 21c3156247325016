"""An independent call is given an object that holds a dict with a pending store."""

from random_programs.world import ask, info


class C1:
    def m5(self, a6, a7, a8):
        self.x2 = info(self)


class C64(C1):
    def __init__(self, a66):
        self.x65 = {}


def make():
    given_a86 = C64("a")
    return (given_a86,)


def main(a86):
    try:
        a86.x65[0] = ask()
    finally:
        a86.m5(2, 0, 0)
