# ruff: noqa
# mypy: ignore-errors
"""A tree of summaries: embed leaves, cluster greedily, summarise each cluster, repeat; then search the collapsed tree."""

import logging
import math

from programs.world import embed, llm

log = logging.getLogger("raptor")
log.addHandler(logging.NullHandler())
log.propagate = False

TEXTS = [
    f"Passage {i} tells of {w}."
    for i, w in enumerate("amber basin cedar delta ember flint grove harbor".split())
]


class Node:
    def __init__(self, text, index, children, embedding):
        self.text = text
        self.index = index
        self.children = children
        self.embedding = embedding


def similarity(a, b):
    return sum(x * y for x, y in zip(a, b)) / (math.dist(a, [0] * len(a)) * math.dist(b, [0] * len(b)))


def cluster(nodes, size):
    remaining = list(nodes)
    clusters = []
    while remaining:
        seed = remaining.pop(0)
        remaining.sort(key=lambda n: similarity(seed.embedding, n.embedding), reverse=True)
        group = [seed] + remaining[: size - 1]
        remaining = remaining[size - 1 :]
        clusters.append(group)
    return clusters


class TreeBuilder:
    def __init__(self, max_layers=3, cluster_size=3):
        self.max_layers = max_layers
        self.cluster_size = cluster_size
        self.all_nodes = {}

    def create_node(self, text, children=None):
        index = len(self.all_nodes)
        node = Node(text, index, set(children or ()), embed(text))
        self.all_nodes[index] = node
        return node

    def build(self, texts):
        layer = [self.create_node(text) for text in texts]
        layers = {0: layer}
        for depth in range(1, self.max_layers):
            if len(layer) <= self.cluster_size:
                log.info("stopped at layer %d", depth)
                break
            new_layer = []
            for group in cluster(layer, self.cluster_size):
                texts = "\n".join(n.text for n in group)
                summary = llm(f"Summarise, with as many details as possible:\n{texts}")
                new_layer.append(self.create_node(summary, [n.index for n in group]))
            log.info("layer %d has %d nodes", depth, len(new_layer))
            layers[depth] = new_layer
            layer = new_layer
        return layers


def retrieve(builder, query, k=3):
    vector = embed(query)
    ranked = sorted(builder.all_nodes.values(), key=lambda n: similarity(vector, n.embedding), reverse=True)
    return [n.text for n in ranked[:k]]


def main(workdir):
    builder = TreeBuilder()
    layers = builder.build(TEXTS)
    for depth, nodes in layers.items():
        print("layer", depth, [sorted(n.children) for n in nodes])
    answers = {}
    for query in ["what of amber", "what of the harbor"]:
        context = "\n\n".join(retrieve(builder, query))
        answers[query] = llm(f"Given {context}\nanswer: {query}")
    return answers
