import sys

from explain.stand_in import QUESTIONS, ask


def answered(question):
    return ask(question).strip()


def watch(watcher):
    sys.setprofile(watcher)


def waits():
    watch(lambda frame, event, argument: None)
    try:
        return [answered(question) for question in QUESTIONS]
    finally:
        watch(None)


def repaired():
    return [answered(question) for question in QUESTIONS]
