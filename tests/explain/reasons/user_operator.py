from explain.stand_in import QUESTIONS, ask, note


class Ranked:
    def __init__(self, text):
        self.text = text

    def __lt__(self, other):
        note("compared")
        return self.text < other.text


def waits():
    ranking = []
    for question in QUESTIONS:
        ranking = sorted([Ranked(ask(question)), *ranking])
    return [ranked.text for ranked in ranking]


def repaired():
    ranking = []
    for question in QUESTIONS:
        ranking = sorted([ask(question), *ranking], key=str)
    return ranking
