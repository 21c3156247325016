import heapq

from explain.stand_in import QUESTIONS, ask


def waits():
    heap, notes = [], []
    for question in QUESTIONS:
        heapq.heappush(heap, ask(question))
        notes.append(ask(f"{len(heap)} answers so far"))
    return heap, notes


def repaired():
    answers, notes = [], []
    for question in QUESTIONS:
        answers.append(ask(question))
        notes.append(ask(f"{len(answers)} answers so far"))
    return sorted(answers), notes
