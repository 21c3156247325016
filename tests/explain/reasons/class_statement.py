from explain.stand_in import ask


def waits():
    class Answers:
        first = ask("one")
        second = ask("two")

    return Answers.first, Answers.second


class Pair:
    def __init__(self, first, second):
        self.first, self.second = first, second


def repaired():
    answers = Pair(ask("one"), ask("two"))
    return answers.first, answers.second
