"""A list that is extended by itself while the code around it is described."""

from random_programs.world import count


def make():
    given_a1 = "b c"
    return given_a1


def main(a1, a2, a3):
    v4 = sorted("a", key=count)
    for i47, i37 in enumerate([v4]):
        try:
            i37.extend(v4)
        except 0 as e:
            pass
    else:
        (v4 for c54 in 0)
