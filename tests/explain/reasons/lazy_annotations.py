from explain.stand_in import QUESTIONS, ask


def waits():
    def shout(text: str) -> str:  # from Python 3.14 on, annotations are evaluated when somebody looks at them
        return text.upper()

    return [shout(ask(question)) for question in QUESTIONS]


def repaired():
    def shout(text):
        return text.upper()

    return [shout(ask(question)) for question in QUESTIONS]
