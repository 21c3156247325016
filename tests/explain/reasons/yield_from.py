from explain.stand_in import QUESTIONS, ask


def each():
    for question in QUESTIONS:
        yield ask(question)


def both():
    yield from each()
    yield from each()


def both_written_out():
    for answer in each():
        yield answer
    for answer in each():
        yield answer


def waits():
    return list(both())


def repaired():
    return list(both_written_out())
