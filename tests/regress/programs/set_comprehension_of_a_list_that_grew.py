"""Set comprehension of a list that grew."""

import itertools
from random_programs.world import ask

G1 = [""]


def make():
    return "a"


def main(a14):
    for i26 in itertools.islice(G1, 4):
        v27 = ask(i26)
        G1.append(v27)
    v29 = {c30 for c30 in G1}
    G1.append(v29)
