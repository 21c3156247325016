from explain.stand_in import QUESTIONS, ask


def waits():
    try:
        return [ask(question) for question in QUESTIONS]
    except* ValueError:
        pass


def repaired():
    answers = []
    for question in QUESTIONS:
        answers.append(ask(question))
    return answers
