from explain.stand_in import ask

DEEP = "ask(" * 90 + "'question'" + ")" * 90


waits = eval(f"lambda: {DEEP}")


def repaired():
    answer = "question"
    for _ in range(90):
        answer = ask(answer)
    return answer
