from explain.stand_in import QUESTIONS, ask


class Form:
    def __init__(self):
        self.fields = {}

    def __repr__(self):
        return f"Form({self.fields})"


def waits():
    form = Form()
    for question in QUESTIONS:
        form.fields[question] = ask(form)  # each call must see the form as it is here
    return form.fields


def repaired():
    form = Form()
    for question in QUESTIONS:
        form.fields[question] = ask(question)
    return form.fields
