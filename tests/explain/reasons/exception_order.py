from explain.stand_in import ask


def waits():
    first, second = ask("one"), ask("two")
    if not second:
        raise ValueError("no answer")  # once it is known that the first call did not fail
    return first, second
