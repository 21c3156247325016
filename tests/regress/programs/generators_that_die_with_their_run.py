def h14(a15):
    for [] in zip((0 for c22 in (a15 for c23 in ""))):
        pass


def make():
    given_a87 = 3
    given_a88 = 0
    return (given_a87, given_a88)


def main(a87, a88):
    if h14(0):
        pass
