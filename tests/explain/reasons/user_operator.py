from explain.stand_in import QUESTIONS, ask, note


class Answer:
    def __init__(self, text):
        self.text = text

    def __add__(self, other):
        note("added")
        return self.text + other


def waits():
    return [Answer(ask(question)) + "." for question in QUESTIONS]


def repaired():
    return [Answer(ask(question)).text + "." for question in QUESTIONS]
