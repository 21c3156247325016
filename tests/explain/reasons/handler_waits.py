from explain.stand_in import ask


def waits():
    try:
        return int(ask("a number"))
    except ValueError:
        return ask("digits only")
