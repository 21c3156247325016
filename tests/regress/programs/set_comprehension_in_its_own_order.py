"""Set comprehension in its own order."""

import functools
from random_programs.world import ask


def make():
    return "a"


def main(a111):
    v115 = ["B", "c", "b"]
    v115.append("")
    v115.append(0)
    f118 = functools.partial(ask, {c120 for c120 in v115})
    v119 = f118()
    return v119
