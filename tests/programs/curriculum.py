# ruff: noqa
# mypy: ignore-errors
"""A course maker: nested defaultdicts, setdefault, recursion over an outline tree, numbering, a table of contents."""

from collections import defaultdict

from programs.world import llm

glossary = defaultdict(set)


class Section:
    def __init__(self, title, depth):
        self.title = title
        self.depth = depth
        self.body = None
        self.children = []

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def expand(title, depth=0, max_depth=2, width=2):
    section = Section(title, depth)
    if depth < max_depth:
        answer = llm(f"Subsections of {title} at depth {depth} [list of {width}]")
        for line in answer.splitlines():
            child = expand(line.split(". ", 1)[1], depth + 1, max_depth, width)
            section.children.append(child)
    else:
        section.body = llm(f"Write the section {title}")
        for word in section.body.split()[:2]:
            glossary[word[0]].add(word)
    return section


def number(section, prefix=""):
    rows = []
    for i, child in enumerate(section.children, 1):
        label = f"{prefix}{i}."
        rows.append(f"{'  ' * section.depth}{label} {child.title}")
        rows.extend(number(child, label))
    return rows


def main(workdir):
    course = expand("Sailing")
    toc = "\n".join(number(course))
    print(toc)
    index = {}
    for section in course.walk():
        index.setdefault(section.depth, []).append(section.title)
    exercises = {}
    for section in course.walk():
        if section.body is None:
            continue
        exercises[section.title] = llm(f"An exercise on {section.title}: {section.body}")
    print({k: len(v) for k, v in index.items()}, {k: sorted(v) for k, v in sorted(glossary.items())})
    with open(f"{workdir}/course.md", "w") as f:
        f.write(toc + "\n\n")
        for section in course.walk():
            f.write("#" * (section.depth + 1) + f" {section.title}\n")
            if section.body:
                f.write(section.body + "\n")
    return exercises
