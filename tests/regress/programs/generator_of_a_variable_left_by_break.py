"""A generator that a variable holds is closed when the variable ends, not when a loop over it is left."""

from random_programs.world import ask, record, risky


def lines(name):
    try:
        yield ask(name)
        yield ask(name, 2)
    finally:
        record(f"end {name}")


def left(name):
    lazy = lines(name)
    for line in lazy:
        ask(line)
        break
    record(f"left {name}")
    return ask(name)


def left_twice(name):
    lazy, other = lines(name), lines(f"other {name}")
    for line in lazy:
        break
    for line in lazy:
        record(line)
        break
    for line in other:
        if len(line) > 1:
            break
    record(f"left {name}")


def rebound(name):
    for i in range(2):
        lazy = lines(f"{name} {i}")
        for line in lazy:
            record(line)
            break
        record("after")


def make():
    return ("a",)


def main(name):
    ask(name)
    left(name)
    left_twice(name)
    rebound(name)
    try:
        lazy = lines("b")
        for line in lazy:
            risky(line)
            break
        record("not raised")
    except Exception as error:
        record(error)
    return left("c")
