import heapq

from explain.stand_in import QUESTIONS, ask


def waits():
    heap = []
    for question in QUESTIONS:
        heapq.heappush(heap, ask(question))
        ask("smallest so far: " + heap[0])
    return heap


def repaired():
    answers = []
    for question in QUESTIONS:
        answers.append(ask(question))
        ask("smallest so far: " + min(answers))
    return sorted(answers)
