"""A tuple of classes is made before one of them is known."""

from random_programs.world import count


def h3(a4, a5):
    if isinstance([G1 for c7 in iter("")], (set,)):
        pass
    elif 0:
        yield i9


def make():
    return "a"


def main(a18):
    v19 = ""
    count()
    for i24 in [v19 for c26 in "a" if {c26: c26 for c27 in h3(c26, a5=v19)}]:
        pass
