"""Up to Python 3.11, a comprehension reads the variables around it as free ones."""

from random_programs.world import ask


def make():
    return (["a"],)


def main(names):
    ask(names)
    try:
        return [ask(name, later) for name in names]
    except UnboundLocalError:
        return "local"
    except NameError as error:
        return error.name
    later = 1
