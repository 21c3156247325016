"""A variable that only a pending loop binds is put into a list."""

from random_programs.world import yes


def make():
    return (3,)


def main(most):
    for n in range(most):
        if yes(n):
            last = n
    return [last]
