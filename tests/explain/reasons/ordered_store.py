from explain.stand_in import QUESTIONS, ask


def waits():
    answers = {}
    for question in QUESTIONS:
        answers[question] = ask(question)
    return answers
