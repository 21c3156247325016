from explain.stand_in import QUESTIONS, ask


def waits():
    for question in QUESTIONS:
        if "three" in ask(question):
            return question
    return None


def repaired():
    answers = [ask(question) for question in QUESTIONS]  # all of them are made
    for question, answer in zip(QUESTIONS, answers):
        if "three" in answer:
            return question
    return None
