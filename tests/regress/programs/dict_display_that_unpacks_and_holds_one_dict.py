"""Dict display that unpacks and holds one dict."""

from random_programs.world import ask

G1 = {}


def make():
    return "a"


def main(a3):
    v4 = ""
    G1[v4] = ask()
    v23 = {**{"text": G1}, "m": G1}
    ask(v23)
