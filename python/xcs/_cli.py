"""The command line: `xcs` and `python -m xcs`."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from rich.console import Console

import xcs
from xcs._simulator import simulator_program


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xcs",
        description="Plain sequential Python that calls language models, run concurrently and exactly.",
    )
    parser.add_argument("--version", action="version", version=f"xcs {xcs.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser(
        "demo", help="watch ordinary workflows finish sooner, with the same observations"
    )
    demo.add_argument("--latency-ms", type=int, default=300, help="how long each simulated call takes (300)")
    bench = commands.add_parser("bench", help="measure")
    bench.add_argument(
        "suite", nargs="?", default="basics", choices=["basics"], help="which measurements (basics)"
    )
    simulator = commands.add_parser(
        "sim",
        help="serve the providers' APIs on this machine; all options go to the simulator",
        add_help=False,
    )
    simulator.add_argument("options", nargs=argparse.REMAINDER)
    commands.add_parser("doctor", help="say what is installed and whether it works")
    return parser


def _doctor(console: Console) -> int:
    console.print(f"xcs {xcs.__version__}, Python {platform.python_version()}, {platform.platform()}")
    with xcs.Simulator(latency_ms=0) as simulator:
        answer = xcs.llm("hello", model="sim", base_url=simulator.base_url, api_key="none")
    console.print(f"simulator: {simulator_program()}")
    console.print(f"a native call works: {answer!r}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 success, 1 a check failed, 2 wrong usage, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["sim"]:
        program = simulator_program()
        os.execv(program, [program, *given[1:]])
    options = _parser().parse_args(given)
    console = Console(file=sys.stdout, highlight=False)
    try:
        if options.command == "demo":
            from xcs._demo import run_demo

            return 0 if run_demo(console, options.latency_ms) else 1
        if options.command == "bench":
            from xcs._bench import run_basics

            run_basics(console)
            return 0
        return _doctor(console)
    except xcs.XcsError as error:
        Console(stderr=True).print(f"xcs: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        return 130
