"""What only a temporary held ends before what follows, and with it the generators that it was made of."""

from random_programs.world import ask, record


def letters(word, seen):
    try:
        yield from word
    finally:
        record(f"end {word}")
        seen.append(word)


def pairs(word, seen):
    return (dict(zip("a", letters(word, seen))), len(seen), ask(word))


def make():
    return ([],)


def main(seen):
    ask("first")
    one = list(zip("ab", letters("cdef", seen)))
    record(len(seen))
    two = pairs("gh", seen)
    three = sorted(enumerate(zip("a", letters("ijk", seen))))
    return [one, two, three, ask(seen)]
