import xcs
from explain.stand_in import QUESTIONS, ask

strip = eval("lambda text: text.strip()")  # a function without source
shorten = eval("lambda text: text[:9]")
xcs.declare(shorten, effect="pure", returns="atom")


def waits():
    return [strip(ask(question)) for question in QUESTIONS]


def repaired():
    return [shorten(ask(question)) for question in QUESTIONS]
