"""Iterators made by enumerate, zip and reversed are stepped in several places."""

from random_programs.world import ask, record


def make():
    return (["a", "b", "c"],)


def main(xs):
    ask(1)
    it = enumerate(xs)
    for i, x in it:
        record(x)
        break
    rest = list(it)
    z = zip(xs, "pqr")
    for v in z:
        ask(v)
        break
    more = next(z)
    r = reversed(xs)
    next(r)
    for v in r:
        ask(v)
        break
    e = enumerate(xs)
    next(e)
    f = enumerate(xs)
    for a in f:
        ask(a)
        break
    for a in f:
        record(a)
        break
    return rest, more, list(r), [w for w in e], next(f)
