# ruff: noqa
# mypy: ignore-errors
"""Router chain: classify, dispatch by getattr to a handler, pydantic-like parsing with a re-ask, evaluator at the end."""
import json
from dataclasses import dataclass, asdict
from programs.world import llm

@dataclass
class Ticket:
    topic: str
    urgency: int
    words: list

    @classmethod
    def parse(cls, text):
        data = json.loads(text)
        if data["urgency"] < 3:
            raise ValueError(f"urgency {data['urgency']} is too low")
        return cls(data["topic"], data["urgency"], data["words"])

class Router:
    def __init__(self):
        self.seen = {}
    def route(self, ticket):
        handler = getattr(self, "handle_" + ticket.topic, self.handle_other)
        self.seen[ticket.topic] = self.seen.get(ticket.topic, 0) + 1
        return handler(ticket)
    def handle_billing(self, ticket):
        return llm(f"Billing answer for {ticket.words}")
    def handle_bug(self, ticket):
        steps = llm(f"Steps for {ticket.words} [list of 2]").splitlines()
        return " ".join(llm(f"Check {s}") for s in steps)
    def handle_other(self, ticket):
        return llm(f"Other answer for {ticket.words}")

def parsed(text, tries=3):
    prompt = f"Parse {text} [json: topic=billing|bug|praise, urgency=number, words=list]"
    for attempt in range(tries):
        try:
            return Ticket.parse(llm(prompt))
        except (ValueError, KeyError) as e:
            prompt = f"{prompt}\nError: {e}. Try again. [json: topic=billing|bug|praise, urgency=number, words=list]"
    return Ticket("praise", 0, [text])

def main(workdir):
    router = Router()
    out = []
    for text in ["my bill", "it crashes", "love it", "slow page", "refund"]:
        ticket = parsed(text)
        answer = router.route(ticket)
        score = int(llm(f"Rate {answer} [number 0-9]"))
        out.append({**asdict(ticket), "answer": answer, "score": score})
        print(text, "->", ticket.topic, score)
    print(router.seen)
    return out
