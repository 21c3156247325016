from explain.stand_in import ask


def waits():
    try:
        first = ask("one")
        number = int("two")  # the exception is handled once it is known that the call did not fail
    except ValueError:
        number = 2
    return first, number
