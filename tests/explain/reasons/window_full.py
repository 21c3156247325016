import xcs
from explain.stand_in import QUESTIONS, ask


@xcs.jit(window=1)
def waits():
    return [ask(question) for question in QUESTIONS]


@xcs.jit(window=1000)
def repaired():
    return [ask(question) for question in QUESTIONS]
