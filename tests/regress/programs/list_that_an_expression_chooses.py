"""Programs 53016515 and others: a list that `or` and `if` answer is the list itself, and what displays and `+` make
holds it."""

from random_programs.world import ask, info


def make():
    return ([], [1], [[2]])


def main(one, other, nested):
    ask()
    for _ in range(2):
        chosen = one or other
        held = {"k": chosen}
        held["k"].append(0)
        ask(one, other)
    one.append(3)
    (one if one else [5]).append(4)
    ask(one)
    nested[0].append(5)
    ([nested, one] if nested else [one])[0].append([6])
    both = nested + [one]
    both[-1].append(7)
    ask(nested, one)
    pair = (one,)
    pair += (other,) if one else ()
    pair[1].append(info()["n"])
    pair[0].append(8)
    return ask(one, other)
