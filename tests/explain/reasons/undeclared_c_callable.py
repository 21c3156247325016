import cmath

import xcs
from explain.stand_in import QUESTIONS, ask

xcs.declare(cmath.phase, effect="pure", returns="atom")


def waits():
    return [cmath.sqrt(len(ask(question))) for question in QUESTIONS]


def repaired():
    return [cmath.phase(len(ask(question))) for question in QUESTIONS]
