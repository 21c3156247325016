from explain.stand_in import QUESTIONS, ask

ANSWERS = {}


def waits():
    for question in QUESTIONS:
        ANSWERS[question] = ask(question)  # the calls overlap, the dict fills in order
    return ANSWERS
