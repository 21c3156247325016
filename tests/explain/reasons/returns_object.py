import xcs
from explain.stand_in import QUESTIONS, ask


@xcs.op(effect="independent", returns="object")
def ask_object(question):
    return {"text": question}


@xcs.op(effect="independent", returns="data")
def ask_data(question):
    return {"text": question}


def waits():
    return [ask(ask_object(question)["text"]) for question in QUESTIONS]


def repaired():
    return [ask(ask_data(question)["text"]) for question in QUESTIONS]
