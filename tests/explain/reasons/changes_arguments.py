import heapq

from explain.stand_in import QUESTIONS, ask


def waits():
    heap = []
    for question in QUESTIONS:
        heapq.heappush(heap, ask(question))
        ask("smallest so far: " + heap[0])
    return heap[0]
