"""Code of a function that was passed runs whole once its turn has come: what it makes then is met by what waits."""

from __future__ import annotations

from .conftest import Check, ask, log

NAMES = ["a", "bb", "ccc", "dddd"]


class Step:
    def __init__(self, number, text):
        self.number = number
        self.text = text
        self.result = None

    def __str__(self):
        return f"#{self.number}: {self.text}"


def planned(text):
    steps = []
    for i, word in enumerate(text.split("-")):
        step = Step(i, word)
        if len(word) > 1:
            steps.append(step)
    return steps


def registered(steps, text):
    for word in text.split("-"):
        steps.append(Step(len(steps), word))


def test_what_a_loop_that_ran_whole_made_is_stored_to_by_the_next_loop(check: Check) -> None:
    def run():
        reports = []
        for name in NAMES:
            plan = planned(ask(f"{name}-{name}x-{name}y"))
            for step in plan:
                step.result = ask(str(step))
                log(f"{step}")
            reports.append([s.result for s in plan])
        return reports

    for _ in range(8):
        check(run, width=4)


def test_what_a_function_that_ran_whole_put_into_its_argument_is_stored_to(check: Check) -> None:
    def run():
        reports = []
        for name in NAMES:
            plan: list[Step] = []
            registered(plan, ask(f"{name}-{name}x"))
            for step in plan:
                step.result = ask(step.text)
                log(f"{step}")
            reports.append([s.result for s in plan])
        return reports

    for _ in range(8):
        check(run, width=4)


class Agent:
    def __init__(self, name):
        self.name = name
        self.docs: dict[str, str] = {}

    def run(self, question):
        result = {"question": question, "answer": None}
        answer = ask(question)
        if "a" in answer:
            self.docs[answer] = question
            result = {"question": question, "answer": answer}
        return result


def test_a_result_that_is_new_is_none_of_what_later_code_makes(check: Check) -> None:
    def run():
        results = []
        for name in NAMES:
            agent = Agent(name)
            result = agent.run("question " + name)
            result["docs"] = len(agent.docs)
            results.append(result)
        return results

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_result_that_something_keeps_is_seen_there_with_what_its_caller_puts_in(check: Check) -> None:
    kept = []

    def made(question, keeps):
        first = {"question": question}
        other = {"other": question}
        both = first if "a" in ask(question) else other
        if keeps:
            kept.append(first)
        box = [other]
        kept.append(box)
        return both

    def run():
        kept.clear()
        seen = []
        for i, name in enumerate(NAMES):
            result = made(name, i % 2 == 0)
            result["more"] = i
            seen.append(str(kept))
        return seen

    check(run)
