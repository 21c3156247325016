import xcs
from explain.stand_in import QUESTIONS, ask


@xcs.jit(max_in_flight=1)
def waits():
    return [ask(question) for question in QUESTIONS]


@xcs.jit(max_in_flight=8)
def repaired():
    return [ask(question) for question in QUESTIONS]
