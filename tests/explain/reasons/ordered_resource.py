from explain.stand_in import QUESTIONS, ask


def waits():
    for question in QUESTIONS:
        print(ask(question))  # the calls overlap, the lines are printed in order
