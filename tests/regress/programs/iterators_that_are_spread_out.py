"""Spreading an iterator out, or adding it to a container, steps it."""

from random_programs.world import ask, count, record


def make():
    return (["a", "b"],)


def made(names):
    for name in names:
        record(name)
        yield name


def main(names):
    names.append(ask(names))
    one, two, three = iter(names), made(names), map(count, names)
    four, five, six = reversed([ask(1), "x"]), made(names), map(count, [ask(2)])
    out = [*one, *two]
    out += three
    out.extend(four)
    out[1:1] = five
    seen = {*six}
    ask(out, list(seen))
    seen.update(map(count, out))
    first, *rest = map(ask, out)
    return out, seen, first, rest, [*one], list(four)
