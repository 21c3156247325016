# ruff: noqa
# mypy: ignore-errors
"""A panel debate: agents with message histories of their own, a moderator, a verdict, and a transcript file."""

import json
import os

from programs.world import OpenAI

client = OpenAI(api_key="sk-none")
TOPICS = ["remote work", "nuclear power"]
ROLES = {
    "optimist": "You see the good side.",
    "sceptic": "You doubt everything.",
    "realist": "You weigh both sides.",
}


class Debater:
    def __init__(self, name, persona, model="small"):
        self.name = name
        self.model = model
        self.messages = [{"role": "system", "content": persona}]
        self.tokens = 0

    def hear(self, speaker, text):
        self.messages.append({"role": "user", "content": f"{speaker}: {text}"})

    def speak(self):
        response = client.chat.completions.create(model=self.model, messages=self.messages, temperature=0.7)
        text = response.choices[0].message.content.strip()
        self.tokens += response.usage.total_tokens
        self.messages.append({"role": "assistant", "content": text})
        return text


def moderate(topic, transcript):
    lines = "\n".join(f"{who}: {what}" for who, what in transcript)
    response = client.chat.completions.create(
        model="large",
        messages=[
            {"role": "system", "content": "You moderate."},
            {
                "role": "user",
                "content": f"Who won on {topic}?\n{lines}\n[json: winner=optimist|sceptic|realist, score=number]",
            },
        ],
    )
    return json.loads(response.choices[0].message.content)


def run_debate(topic, rounds=2):
    debaters = [Debater(name, persona) for name, persona in ROLES.items()]
    for d in debaters:
        d.hear("moderator", f"Let us discuss {topic}")
    transcript = []
    for r in range(rounds):
        said = []
        for d in debaters:
            text = d.speak()
            said.append((d.name, text))
            print(f"{topic} / round {r + 1} / {d.name}: {text[:30]}")
        for name, text in said:
            for d in debaters:
                if d.name != name:
                    d.hear(name, text)
        transcript.extend(said)
    verdict = moderate(topic, transcript)
    return transcript, verdict, sum(d.tokens for d in debaters)


def main(workdir):
    wins = {}
    total = 0
    for topic in TOPICS:
        transcript, verdict, tokens = run_debate(topic)
        total += tokens
        wins[verdict["winner"]] = wins.get(verdict["winner"], 0) + 1
        with open(os.path.join(workdir, topic.replace(" ", "_") + ".txt"), "w") as f:
            for name, text in transcript:
                f.write(f"{name}: {text}\n")
            f.write(f"winner: {verdict['winner']} ({verdict['score']})\n")
        print(f"{topic}: {verdict['winner']} wins")
    return wins, total
