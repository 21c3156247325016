"""Length asked for by sorted."""

from random_programs.world import count


class C1:
    def __init__(self, a3):
        pass

    def __len__(self):
        return count()

    def __iter__(self):
        yield from 1


def make():
    given_a86 = 0
    given_a87 = C1("a")
    return (given_a86, given_a87)


def main(a86, a87):
    sorted(a87, key=count)
