from explain.stand_in import ask


def waits():
    first = ask("one")
    import string

    return first, ask(string.digits)


def repaired():
    import string

    first = ask("one")
    return first, ask(string.digits)
