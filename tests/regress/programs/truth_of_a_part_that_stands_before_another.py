"""Program 52039795: the truth of what `and` answers within `and` is asked once, whatever follows it."""

from random_programs.world import ask, count, record


class Asked:
    def __init__(self, number):
        self.number = number

    def __bool__(self):
        record(self.number)
        return count(self.number) > 2


def make():
    return (Asked(1), Asked(2), Asked(3))


def main(a, b, c):
    ask()
    one = (a and b) and (c or a)
    two = ((a and b) and (c or a)) and b
    three = (a if (b or c) else (c and a)) or b
    if (a and b) and (c or a):
        record("true")
    return [one, two, three]
