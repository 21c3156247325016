# ruff: noqa
# mypy: ignore-errors
"""A team of agents on a message bus: each role subscribes to what others publish; files are written for each project."""

import os
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass, field

from programs.world import llm


@dataclass
class Message:
    sender: str
    kind: str
    content: str


class Bus:
    def __init__(self):
        self.subscribers = defaultdict(list)
        self.log = []

    def subscribe(self, kind, role):
        self.subscribers[kind].append(role)

    def publish(self, message):
        self.log.append(message)
        for role in self.subscribers[message.kind]:
            role.inbox.append(message)


class Role(ABC):
    watches = ()
    produces = ""

    def __init__(self, bus):
        self.bus = bus
        self.inbox = []
        for kind in self.watches:
            bus.subscribe(kind, self)

    @property
    def name(self):
        return type(self).__name__

    @abstractmethod
    def prompt(self, messages): ...

    def act(self):
        if not self.inbox:
            return False
        messages, self.inbox = self.inbox, []
        content = llm(self.prompt(messages))
        self.bus.publish(Message(self.name, self.produces, content))
        return True


class ProductManager(Role):
    watches = ("idea",)
    produces = "spec"

    def prompt(self, messages):
        return f"Write a specification for {messages[0].content}"


class Architect(Role):
    watches = ("spec",)
    produces = "design"

    def prompt(self, messages):
        return f"Design: {messages[-1].content}"


class Engineer(Role):
    watches = ("design",)
    produces = "code"

    def prompt(self, messages):
        return "Implement: " + "; ".join(m.content for m in messages)


class Tester(Role):
    watches = ("spec", "code")
    produces = "verdict"

    def prompt(self, messages):
        return f"Test {len(messages)} things: {messages[-1].content} [one of: pass | fail]"

    def act(self):
        if len(self.inbox) < 2:
            return False
        return super().act()


def develop(idea):
    bus = Bus()
    team = [role(bus) for role in (ProductManager, Architect, Engineer, Tester)]
    bus.publish(Message("user", "idea", idea))
    rounds = 0
    while any([role.act() for role in team]):
        rounds += 1
        if rounds > 5:
            break
    return bus.log, rounds


def main(workdir):
    outcomes = {}
    for idea in ["a todo list", "a weather app", "a chess clock"]:
        log, rounds = develop(idea)
        directory = os.path.join(workdir, idea.replace(" ", "-"))
        os.makedirs(directory)
        for message in log:
            with open(os.path.join(directory, message.kind + ".md"), "w") as f:
                f.write(f"# {message.sender}\n\n{message.content}\n")
        outcomes[idea] = log[-1].content
        print(idea, "->", log[-1].content, f"({len(log)} messages, {rounds} rounds)")
    return outcomes
