from explain.stand_in import QUESTIONS, ask


def waits():
    answers = []
    for question in QUESTIONS:
        answers.append(ask(question))
        print("asked", question)  # the calls overlap, the lines are printed in order
    return answers
