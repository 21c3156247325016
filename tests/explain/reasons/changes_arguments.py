import heapq

from explain.stand_in import QUESTIONS, ask


def waits():
    heap = []
    for question in QUESTIONS:
        heapq.heappush(heap, ask(question))
    return heap
