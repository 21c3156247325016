"""reversed looks at the length of the list when it is made."""

from random_programs.world import ask


def make():
    given_a35 = 0
    given_a36 = []
    given_a37 = 0
    return (given_a35, given_a36, given_a37)


def main(a35, a36, a37):
    for i38 in "a":
        a36.append(ask())
    else:
        a36 = list(reversed(a36))
    return a36
