# ruff: noqa
# mypy: ignore-errors
"""Deduplicating records: blocking by key, pairwise checks by the model, union-find, a canonical name per cluster."""

import difflib
import itertools
from collections import defaultdict

from programs.world import llm

NAMES = [
    "Acme Corp",
    "ACME Corporation",
    "Acme Co",
    "Beta Ltd",
    "Beta Limited",
    "Gamma",
    "Gama",
    "Delta Works",
]


class UnionFind:
    def __init__(self, n):
        self.parent = list(range(n))
        self.merges = 0

    def find(self, i):
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def union(self, i, j):
        a, b = self.find(i), self.find(j)
        if a != b:
            self.parent[max(a, b)] = min(a, b)
            self.merges += 1


def normalise(name):
    return name.lower().replace("corporation", "corp").replace("limited", "ltd")


def candidates(names):
    blocks = defaultdict(list)
    for i, name in enumerate(names):
        blocks[normalise(name)[:2]].append(i)
    for block in blocks.values():
        yield from itertools.combinations(block, 2)


def same(a, b):
    ratio = difflib.SequenceMatcher(None, normalise(a), normalise(b)).ratio()
    if ratio > 0.95:
        return True
    if ratio < 0.3:
        return False
    return llm(f"Are {a} and {b} one company? [one of: yes | no]") == "yes"


def main(workdir):
    uf = UnionFind(len(NAMES))
    asked = 0
    for i, j in candidates(NAMES):
        asked += 1
        if same(NAMES[i], NAMES[j]):
            uf.union(i, j)
            print(f"merged {NAMES[i]} and {NAMES[j]}")
    groups = defaultdict(list)
    for i, name in enumerate(NAMES):
        groups[uf.find(i)].append(name)
    canonical = {}
    for root, members in groups.items():
        if len(members) == 1:
            canonical[members[0]] = members[0]
            continue
        title = llm(f"The proper name among {members}").title()
        for member in members:
            canonical[member] = title
    print(asked, "pairs,", uf.merges, "merges")
    return canonical
