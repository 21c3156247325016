import sys

from explain.stand_in import ask


def waits():
    sys.modules.pop("colorsys", None)
    first = ask("one")
    import colorsys

    return first, ask(colorsys.__name__)


def repaired():
    sys.modules.pop("colorsys", None)
    import colorsys

    first = ask("one")
    return first, ask(colorsys.__name__)
