from explain.stand_in import QUESTIONS, ask


def waits():
    return [(ask(question), t"asked {question}") for question in QUESTIONS]


def asked(question):
    return t"asked {question}"


def repaired():
    return [(ask(question), asked(question)) for question in QUESTIONS]
