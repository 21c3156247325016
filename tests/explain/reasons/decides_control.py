from explain.stand_in import QUESTIONS, ask


def waits():
    answers = []
    for question in QUESTIONS:
        answer = ask(question)
        if "?" in answer:  # each iteration waits here, for its own answer only
            answer = ask("without a question, please: " + question)
        answers.append(answer)
    return answers
