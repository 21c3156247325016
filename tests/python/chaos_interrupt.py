"""Ctrl-C at random moments of runs of ten thousand calls, from the signal to the exception in the program.

`python tests/python/chaos_interrupt.py` prints how long it took, in milliseconds by the clock of the machine, which has
to be idle for the figures to mean anything.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import xcs

PROGRAM = """
import os, resource, sys, time, xcs

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
url, journal = sys.argv[1:]


@xcs.jit(max_in_flight=20_000)
def program(n):
    return [xcs.llm(f"{i} " + "x" * (i % 7), model="sim", base_url=url, api_key="any") for i in range(n)]


program(2)
print("ready", flush=True)
try:
    with xcs.config(journal=journal):
        program(10_000)
    print("done")
except KeyboardInterrupt as error:
    print(time.perf_counter(), *getattr(error, "__notes__", ["before the run began"]))
os._exit(0)
"""


def interrupt(script: Path, journal: Path, url: str, seconds: float) -> tuple[float, str] | None:
    """How long it took, and what the exception's note says; None when the program had ended."""
    command = [sys.executable, str(script), url, str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(seconds)
        sent = time.perf_counter()  # the clock of the whole machine
        child.send_signal(signal.SIGINT)
        printed = child.communicate(timeout=120)[0]
    if printed == "done\n":
        return None
    came, _, note = printed.partition(" ")
    return (float(came) - sent) * 1000, note.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=25)
    parser.add_argument("--within", type=float, default=2.0, help="seconds from the run's beginning")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    draw = random.Random(arguments.seed)
    took: list[float] = []
    with tempfile.TemporaryDirectory() as made, xcs.Simulator(tokens_per_second=300) as sim:
        script = Path(made) / "program.py"
        script.write_text(PROGRAM)
        for i in range(arguments.times):
            seconds = draw.uniform(0, arguments.within)
            ended = interrupt(script, Path(made) / f"{i}.db", sim.base_url, seconds)
            if ended is not None:
                took.append(ended[0])
                print(
                    f"after {seconds:.2f} s: {ended[0]:.0f} ms, {ended[1].partition(' kept')[0]}", flush=True
                )
    took.sort()
    print(f"median {took[len(took) // 2]:.0f} ms, longest {took[-1]:.0f} ms, of {len(took)}")


if __name__ == "__main__":
    main()
