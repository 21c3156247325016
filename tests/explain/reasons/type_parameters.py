from explain.stand_in import QUESTIONS, ask


def waits():
    def first[T](items: list[T]) -> T:
        return items[0]

    return first([ask(question) for question in QUESTIONS])


def first[T](items: list[T]) -> T:
    return items[0]


def repaired():
    return first([ask(question) for question in QUESTIONS])
