# ruff: noqa
# mypy: ignore-errors
"""A weekly report: figures per team from the model, tables by string formatting, statistics, a text file."""

import datetime
import io
import statistics
import textwrap

from programs.world import llm

TEAMS = {"north": ["Ann", "Bo"], "south": ["Cy", "Di", "Ed"], "west": ["Flo"]}


def header(out, title, width=40):
    out.write("=" * width + "\n")
    out.write(title.center(width) + "\n")
    out.write("=" * width + "\n")


def fill(text, width=40):
    return textwrap.fill(text, width, initial_indent="  ", subsequent_indent="  ")


class Report:
    def __init__(self, week):
        self.week = week
        self.buffer = io.StringIO()
        self.figures = {}
        header(self.buffer, f"Week of {week:%d %B %Y}")

    def add_team(self, team, members):
        scores = []
        for member in members:
            score = int(llm(f"How did {member} of {team} do? [number 1-10]"))
            scores.append(score)
            self.buffer.write(f"{member:<10}{team:<10}{score:>5}\n")
        self.figures[team] = scores
        comment = llm(f"Comment on team {team} with scores {scores}")
        self.buffer.write(fill(comment) + "\n\n")
        print(f"{team}: mean {statistics.mean(scores):.1f}")

    def finish(self):
        every = [s for scores in self.figures.values() for s in scores]
        spread = statistics.pstdev(every)
        summary = llm(f"Summarise {self.figures} (spread {spread:.2f})")
        self.buffer.write(f"overall {statistics.mean(every):.2f} +- {spread:.2f}\n")
        self.buffer.write(fill(summary) + "\n")
        return self.buffer.getvalue()


def main(workdir):
    week = datetime.date(2024, 3, 1) + datetime.timedelta(weeks=2)
    report = Report(week)
    for team, members in TEAMS.items():
        report.add_team(team, members)
    text = report.finish()
    with open(f"{workdir}/report-{week.isoformat()}.txt", "w") as f:
        f.write(text)
    return text.count("\n")
