from explain.stand_in import QUESTIONS, ask


def waits():
    name = "world"
    return [
        ask(eval("name + question", None, {"name": name, "question": question})) for question in QUESTIONS
    ]


def repaired():
    name = "world"
    return [ask(name + question) for question in QUESTIONS]
