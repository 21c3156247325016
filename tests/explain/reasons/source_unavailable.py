from explain.stand_in import QUESTIONS, ask

waits = eval("lambda: [ask(question) for question in QUESTIONS]")


def repaired():
    return [ask(question) for question in QUESTIONS]
