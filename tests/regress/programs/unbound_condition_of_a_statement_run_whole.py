"""An if whose condition is an unbound variable names the variable."""


def make():
    given_a71 = "q"
    given_a72 = False
    given_a73 = 0
    return (given_a71, given_a72, given_a73)


def main(a71, a72, a73):
    for i77 in "":
        if defaultdict():
            pass
    else:
        if i77:
            pass
