from explain.stand_in import ask


def waits():
    draft = ask("a draft")
    return ask("improve: " + draft)
