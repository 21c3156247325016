"""A copy of a set has the order of the set."""

from random_programs.world import ask, client


def make():
    given_a36 = set()
    given_a37 = 3
    given_a38 = "q"
    return (given_a36, given_a37, given_a38)


def main(a36, a37, a38, depth=2):
    if depth <= 0:
        return 0
    main(a36, 0, 0, depth=depth - 1)
    a36.add(f"{a36!r:}")
    a36.add("")
    a36.add(ask())
    a36.add(client.completions.create(a36))
