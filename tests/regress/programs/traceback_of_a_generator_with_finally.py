"""What leaves a generator by way of finally has the line of the loop in its traceback."""


def h2(a3):
    try:
        if 1:
            raise ToolError()
        else:
            yield G1
    finally:
        0


def make():
    return "a"


def main(a37):
    for i45 in h2(0):
        pass
