from explain.stand_in import QUESTIONS, ask, note


class Session:
    def __init__(self, question):
        self.question = question

    def __del__(self):
        note("closed")


class ManagedSession:
    def __init__(self, question):
        self.question = question

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        note("closed")


def waits():
    answers = []
    for question in QUESTIONS:
        session = Session(question)
        answers.append(ask(session.question))
    return answers


def repaired():
    answers = []
    for question in QUESTIONS:
        with ManagedSession(question) as session:
            answers.append(ask(session.question))
    return answers
