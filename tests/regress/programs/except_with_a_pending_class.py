"""A tuple of exception classes is made before one of them is known."""

from random_programs.world import ToolError, risky


def make():
    given_a36 = 0
    given_a37 = "q"
    return (given_a36, given_a37)


def main(a36, a37):
    n39 = 0
    while n39 < 3:
        n39 += 1
        try:
            risky()
        except (ToolError,) as e:
            print(e)
