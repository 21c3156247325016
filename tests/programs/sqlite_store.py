# ruff: noqa
# mypy: ignore-errors
"""Ratings kept in SQLite: rows inserted as they come, committed each time, read back by queries at the end."""

import sqlite3

from programs.world import llm

SCHEMA = """
create table ratings (item text, aspect text, score integer);
create table summaries (item text primary key, text text);
"""
ITEMS = ["tent", "stove", "boots"]
ASPECTS = ["price", "weight", "comfort"]


class Store:
    def __init__(self, path):
        self.connection = sqlite3.connect(path)
        self.connection.execute("pragma synchronous = off")
        self.connection.executescript(SCHEMA)

    def add_rating(self, item, aspect, score):
        cursor = self.connection.cursor()
        cursor.execute("insert into ratings values (?, ?, ?)", (item, aspect, score))
        self.connection.commit()

    def add_summary(self, item, text):
        self.connection.execute("insert into summaries values (?, ?)", (item, text))
        self.connection.commit()

    def means(self):
        return self.connection.execute(
            "select item, avg(score) from ratings group by item order by 2 desc, item"
        ).fetchall()

    def close(self):
        self.connection.close()


def main(workdir):
    store = Store(f"{workdir}/ratings.db")
    for item in ITEMS:
        scores = {}
        for aspect in ASPECTS:
            score = int(llm(f"Rate the {aspect} of the {item} [number 1-5]"))
            scores[aspect] = score
            store.add_rating(item, aspect, score)
        worst = min(scores, key=scores.get)
        store.add_summary(item, llm(f"Summarise {item}, whose worst aspect is its {worst}"))
        print(item, scores)
    means = store.means()
    store.close()
    for item, mean in means:
        print(f"{item}: {mean:.2f}")
    return means
