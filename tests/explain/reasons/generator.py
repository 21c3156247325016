import xcs
from explain.stand_in import QUESTIONS, ask


@xcs.jit
def answers():
    for question in QUESTIONS:
        yield ask(question)


def waits():
    return list(answers())


@xcs.jit
def repaired():
    return [ask(question) for question in QUESTIONS]
