from explain.stand_in import QUESTIONS, ask, note


class Answer:
    def __init__(self, text):
        self.text = text

    def __getattr__(self, name):
        note(name)
        return self.text


class PlainAnswer:
    def __init__(self, text):
        self.text = text
        self.upper = text


def waits():
    return [Answer(ask(question)).upper for question in QUESTIONS]


def repaired():
    return [PlainAnswer(ask(question)).upper for question in QUESTIONS]
