"""Programs with a journal that are killed at random moments and run again, judged from the server's side.

`python tests/python/chaos_kill.py` kills each kind of program fifty times; the tests do so a few times.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import xcs

CALLS = 240

# Every kind makes CALLS calls; those of `endpoint` are counted by the server.
PROGRAM = """
import hashlib, sys, xcs

kind, url, journal = sys.argv[1:]
reach = {"base_url": url, "api_key": "k"}
FAMILIES = {
    "chat completions": {"model": "sim"},
    "responses": {"model": "sim", "provider": "responses"},
    "messages": {"model": "claude-sim"},
}


@xcs.jit(max_in_flight=24)
def chains(n, options):
    out = []
    for i in range(n):
        first = xcs.llm(f"first {i}", **reach, **options)
        out.append(xcs.llm(f"second {i} {first}", **reach, **options))
    return out


@xcs.jit(max_in_flight=24)
def vectors(n):
    return [xcs.embed(f"text {i:04}", model="sim", dimensions=8, **reach) for i in range(n)]


@xcs.op
def streamed(prompt):
    return list(xcs.llm(prompt, model="sim", stream=True, **reach))


@xcs.jit(max_in_flight=24)
def streams(n):
    return ["".join(streamed(f"stream {i}")) for i in range(n)]


@xcs.jit(max_in_flight=24)
def sdk(n, client):
    out = []
    for i in range(n):
        made = client.chat.completions.create(model="sim", messages=[{"role": "user", "content": f"sdk {i}"}])
        out.append(made.choices[0].message.content)
    return out


def program(n):
    if kind in FAMILIES:
        return chains(n // 2, FAMILIES[kind])
    if kind == "embeddings":
        return vectors(n)
    if kind == "streams":
        return streams(n)
    return sdk(n, xcs.adopt(openai.OpenAI(base_url=url + "/v1", api_key="k")))


if kind == "adopted":
    import openai
print("ready", flush=True)
with xcs.config(journal=journal or None):
    answers = program(%d)
print(hashlib.sha256(repr(answers).encode()).hexdigest())
"""

KINDS = ["chat completions", "responses", "messages", "embeddings", "streams", "adopted"]


@dataclasses.dataclass
class Outcome:
    kills: int = 0
    rounds: int = 0  # journals that were gone on with to the end
    resent: int = 0  # calls that were in flight at a kill
    problems: list[str] = dataclasses.field(default_factory=list)

    def check(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


class Rig:
    """A program of one kind and the server that counts its calls."""

    def __init__(self, kind: str, sim: xcs.Simulator, directory: Path) -> None:
        self.kind = kind
        self.sim = sim
        self.script = directory / "program.py"
        self.script.write_text(PROGRAM % CALLS)
        self.expected, sent = self.run("")
        began = time.monotonic()
        self.run("")
        self.seconds = time.monotonic() - began  # that it takes, with the interpreter's start
        assert sent == CALLS, f"{sent} calls were sent without a kill"

    def start(self, journal: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, str(self.script), self.kind, self.sim.base_url, journal],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return child

    def run(self, journal: str) -> tuple[str, int]:
        """Runs it to its end: what it printed, and how many calls the server saw."""
        before = self.sent()
        with self.start(journal) as child:
            printed = child.communicate(timeout=120)[0]
        return printed, self.sent() - before

    def run_and_kill(self, journal: str, seconds: float) -> tuple[bool, int]:
        """Whether the kill found it running, and how many calls the server saw."""
        before = self.sent()
        with self.start(journal) as child:
            time.sleep(seconds)
            child.kill()
            child.communicate()
        return child.returncode == -signal.SIGKILL, self.sent() - before

    def sent(self) -> int:
        """How many calls have arrived: of merged ones their texts, of three tokens each."""
        while (seen := self.sim.stats())["in_flight"] != 0:
            time.sleep(0.001)
        return int(seen["tokens"]["prompt"]) // 3 if self.kind == "embeddings" else int(seen["requests"])


def kept(journal: Path, kind: str) -> int:
    """How many answers the journal has for programs that did not come to the end of their block; it must be whole.

    A streamed answer is kept when it ends, and once more in what the operation that reads it returns.
    """
    if not journal.exists():
        return 0
    connection = sqlite3.connect(journal)
    try:
        verdict: Any = connection.execute("PRAGMA integrity_check").fetchone()
        assert verdict == ("ok",), verdict
        if connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'call'").fetchone() == (0,):
            return 0
        open_runs = "SELECT id FROM run WHERE state < 2"
        sent = "context = CAST('stream' AS BLOB)" if kind == "streams" else "true"
        counted = connection.execute(
            f"SELECT count(form) FROM call WHERE run IN ({open_runs}) AND {sent}"
        ).fetchone()
        return int(counted[0])
    finally:
        connection.close()


def kill(kind: str, kills: int, seed: int) -> Outcome:
    """Kills programs of this kind that many times, each journal a few times before its program may end."""
    draw = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as made, xcs.Simulator(latency_ms=5) as sim:
        rig = Rig(kind, sim, Path(made))
        while outcome.kills < kills:
            journal = Path(made) / f"{outcome.kills}.db"
            for _ in range(draw.randint(1, 4)):
                before = kept(journal, kind)
                killed, sent = rig.run_and_kill(str(journal), draw.uniform(0, rig.seconds))
                if not killed:
                    break
                outcome.kills += 1
                after = kept(journal, kind)
                outcome.check(sent <= CALLS - before, f"{sent} of {CALLS} sent with {before} kept")
                if after == 0:  # it had come to its end just before
                    break
                outcome.resent += sent - (after - before)
                outcome.check(before <= after <= before + sent, f"{before} kept, then {after} after {sent}")
            if not killed:
                continue
            before = kept(journal, kind)
            printed, sent = rig.run(str(journal))
            outcome.check(sent == CALLS - before, f"{sent} of {CALLS} sent with {before} kept, to the end")
            outcome.check(printed == rig.expected, f"another result: {printed!r}")
            outcome.rounds += 1
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    status = 0
    for kind in KINDS:
        outcome = kill(kind, arguments.kills, arguments.seed)
        print(
            f"{kind}: killed {outcome.kills} times, {outcome.rounds} runs of {CALLS} calls gone on with to their "
            f"end, {outcome.resent} calls in flight at a kill sent again",
            flush=True,
        )
        for problem in outcome.problems:
            print(f"  PROBLEM: {problem}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
