from explain.stand_in import QUESTIONS, ask


def waits():
    kept, notes = [], []
    for question in QUESTIONS:
        if "?" not in ask(question):
            kept.append(question)
        notes.append(ask(f"{len(kept)} kept before {question}"))
    return kept, notes


def repaired():
    kept, notes = [], []
    for question in QUESTIONS:
        if "?" not in ask(question):
            kept.append(question)
        notes.append(ask(f"kept before {question}"))
    return kept, notes
