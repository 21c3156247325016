import xcs
from explain.stand_in import QUESTIONS, ask


class Stripped:
    def __new__(cls, text):
        made = object.__new__(cls)
        made.text = text.strip()
        return made


class Declared(Stripped):
    pass


xcs.declare(Declared, effect="pure", returns="object")


def waits():
    return [Stripped(ask(question)) for question in QUESTIONS]


def repaired():
    return [Declared(ask(question)) for question in QUESTIONS]
