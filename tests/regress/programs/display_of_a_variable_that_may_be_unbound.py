"""A variable that only a pending branch binds is put into a list."""

from random_programs.world import client


def make():
    given_a9 = "b c"
    given_a10 = "b c"
    return (given_a9, given_a10)


def main(a9, a10):
    if client.completions.create().startswith("a"):
        v13 = 1
    return [v13]
