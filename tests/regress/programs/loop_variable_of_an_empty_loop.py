"""A variable that only a loop without items binds is put into a list."""

import contextlib

from random_programs.world import ask


@contextlib.contextmanager
def managed(name):
    yield 0


def make():
    given_a52 = 1
    given_a53 = 0
    given_a54 = 0
    return (given_a52, given_a53, given_a54)


def main(a52, a53, a54):
    with managed(ask()) as v55:
        for i56 in []:
            pass
    [i56]
