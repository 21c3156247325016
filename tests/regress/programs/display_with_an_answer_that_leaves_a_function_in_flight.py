"""Display with an answer that leaves a function in flight."""

import contextlib
from random_programs.world import ask, parts


def h11():
    with contextlib.nullcontext():
        if 0:
            return 0
        parts()
    return {"a": ask()}


def make():
    return "a"


def main(a21):
    parts(h11())
