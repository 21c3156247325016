from explain.stand_in import QUESTIONS, ask


class Form:
    def __init__(self):
        self.question = ""

    def __repr__(self):
        return f"Form({self.question})"


def waits():
    form, answers = Form(), []
    for question in QUESTIONS:
        form.question = question
        answers.append(ask(form))  # each call must see the form as it is here
    return answers


def repaired():
    answers = []
    for question in QUESTIONS:
        form = Form()
        form.question = question
        answers.append(ask(form))
    return answers
