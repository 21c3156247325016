from explain.stand_in import QUESTIONS, ask


def each(questions, counts):
    for question in questions:
        yield ask(question)
    counts.append(len(questions))
    return len(questions)


def both():
    first = yield from each(QUESTIONS, [])
    yield from each(QUESTIONS[:first], [])


def both_written_out():
    counts = []
    for answer in each(QUESTIONS, counts):
        yield answer
    for answer in each(QUESTIONS[: counts[0]], []):
        yield answer


def waits():
    return list(both())


def repaired():
    return list(both_written_out())
