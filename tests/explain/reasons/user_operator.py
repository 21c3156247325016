from explain.stand_in import QUESTIONS, ask, note


class Answer:
    def __init__(self, text):
        self.text = text

    def __str__(self):
        note("shown")
        return self.text


def waits():
    return [f"{Answer(ask(question))}" for question in QUESTIONS]


def repaired():
    return [f"{Answer(ask(question)).text}" for question in QUESTIONS]
