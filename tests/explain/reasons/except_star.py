from explain.stand_in import QUESTIONS, ask


def waits():
    try:
        answers = [ask(question) for question in QUESTIONS]
    except* ValueError:
        answers = []
    return answers


def repaired():
    try:
        answers = [ask(question) for question in QUESTIONS]
    except ValueError:
        answers = []
    return answers
