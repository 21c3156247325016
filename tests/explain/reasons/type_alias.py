from explain.stand_in import QUESTIONS, ask


def waits():
    type Answer = str
    return [ask(question) for question in QUESTIONS], Answer.__name__


type Answer = str


def repaired():
    return [ask(question) for question in QUESTIONS], Answer.__name__
