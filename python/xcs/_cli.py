"""The command line: `xcs` and `python -m xcs`."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from rich.console import Console
from rich.text import Text

import xcs
from xcs import _cache_cli
from xcs._bench import run_basics
from xcs._costs import run_costs
from xcs._demo import run_demo
from xcs._simulator import simulator_program


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 success, 1 a check failed, 2 wrong usage, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    console = Console(file=sys.stdout, highlight=False)
    try:
        if given[:1] == ["sim"]:
            return _simulate(given[1:])
        options = _parser().parse_args(given)
        if options.command == "demo":
            return 0 if run_demo(console, options.latency_ms) else 1
        if options.command == "bench":
            if options.suite in ("basics", "all"):
                run_basics(console)
            if options.suite in ("costs", "all"):
                run_costs(console)
            return 0
        if options.command == "cache":
            return _cache_cli.run(console, options)
        return _doctor(console)
    except xcs.XcsError as error:
        sys.stderr.write(f"xcs: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


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
    demo.add_argument(
        "--latency-ms", type=_milliseconds, default=300, help="how long each model call takes (300)"
    )
    bench = commands.add_parser("bench", help="measure the speed-up of simple functions, and what jit costs")
    bench.add_argument(
        "suite", nargs="?", default="all", choices=["all", "basics", "costs"], help="which measurements (all)"
    )
    commands.add_parser(
        "sim", help="serve the providers' APIs on this machine; `xcs sim --help` lists its options"
    )
    _cache_cli.add_commands(commands)
    commands.add_parser("doctor", help="say what is installed and whether it works")
    return parser


def _milliseconds(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _simulate(arguments: list[str]) -> int:
    program = simulator_program()
    try:
        os.execv(program, [program, *arguments])
    except OSError as error:
        raise xcs.UsageError(f"cannot start the simulator {program}: {error.strerror}") from None


def _doctor(console: Console) -> int:
    console.print(f"xcs {xcs.__version__}, Python {platform.python_version()}, {platform.platform()}")
    console.print(Text(f"simulator: {simulator_program()}"))
    with xcs.Simulator(latency_ms=0) as simulator:
        answer = xcs.llm("hello", model="any", base_url=simulator.base_url, api_key="any")
    console.print(Text(f"a native call works: {answer}"))
    return 0
