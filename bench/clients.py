"""What a call costs with each client, against one simulator on this machine.

    python bench/clients.py SIM [--net-bench PROGRAM] [--quick]

Each row runs in a process of its own. CPU is this side's alone. The share of ideal is the time that the calls need when
as many as allowed are in flight at every moment, divided by the time they took.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PROMPT = "Summarise the following paragraph in one sentence for a reader in a hurry. " * 3
MESSAGES = [{"role": "user", "content": PROMPT}]
BODY = {"model": "sim", "messages": MESSAGES, "max_tokens": 32}
EVENTS = 200
STREAMED = [{"role": "user", "content": f"[about {EVENTS} words]"}]

Run = Callable[[int, int], None]  # (calls, in flight)


def xcs_client(url: str) -> Run:
    """xcs.llm under xcs.jit."""
    import xcs

    @xcs.jit
    def all_calls(url: str, calls: int) -> list[str]:
        return [
            xcs.llm(PROMPT, model="sim", base_url=url, api_key="any", max_tokens=32) for _ in range(calls)
        ]

    return lambda calls, in_flight: _check(all_calls.with_config(max_in_flight=in_flight)(url, calls), calls)


def adopted_openai(url: str) -> Run:
    """openai.OpenAI, adopted, under xcs.jit."""
    import openai
    import xcs

    client = xcs.adopt(openai.OpenAI(base_url=url + "/v1", api_key="any"))

    @xcs.jit
    def all_calls(client: Any, calls: int) -> list[str]:
        return [
            client.chat.completions.create(model="sim", messages=MESSAGES, max_tokens=32)
            .choices[0]
            .message.content
            for _ in range(calls)
        ]

    return lambda calls, in_flight: _check(
        all_calls.with_config(max_in_flight=in_flight)(client, calls), calls
    )


def _check(answers: list[str], calls: int) -> None:
    if len(answers) != calls or not all(answers):
        raise AssertionError(f"{len(answers)} answers to {calls} calls")


def _gathered(make: Callable[[], Any], ask: Callable[[Any], Awaitable[str]]) -> Run:
    async def run(calls: int, in_flight: int) -> None:
        async with make() as client:
            gate = asyncio.Semaphore(in_flight)

            async def one() -> str:
                async with gate:
                    return await ask(client)

            _check(list(await asyncio.gather(*(one() for _ in range(calls)))), calls)

    return lambda calls, in_flight: asyncio.run(run(calls, in_flight))


def async_openai(url: str) -> Run:
    """AsyncOpenAI and asyncio.gather."""
    import openai

    async def ask(client: Any) -> str:
        answer = await client.chat.completions.create(model="sim", messages=MESSAGES, max_tokens=32)
        return str(answer.choices[0].message.content)

    return _gathered(lambda: openai.AsyncOpenAI(base_url=url + "/v1", api_key="any"), ask)


def threaded_openai(url: str) -> Run:
    """The sync SDK on threads."""
    import openai

    def run(calls: int, in_flight: int) -> None:
        client = openai.OpenAI(base_url=url + "/v1", api_key="any")

        def ask(_: int) -> str:
            answer = client.chat.completions.create(model="sim", messages=MESSAGES, max_tokens=32)  # type: ignore[arg-type]
            return str(answer.choices[0].message.content)

        with ThreadPoolExecutor(in_flight) as pool:
            _check(list(pool.map(ask, range(calls))), calls)

    return run


def async_httpx(url: str) -> Run:
    """httpx.AsyncClient and asyncio.gather."""
    import httpx

    async def ask(client: Any) -> str:
        answer = await client.post(url + "/v1/chat/completions", json=BODY)
        return str(answer.json()["choices"][0]["message"]["content"])

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return _gathered(lambda: httpx.AsyncClient(limits=limits, timeout=600), ask)


def async_aiohttp(url: str) -> Run:
    """aiohttp.ClientSession and asyncio.gather."""
    import aiohttp

    async def ask(client: Any) -> str:
        async with client.post(url + "/v1/chat/completions", json=BODY) as answer:
            return str((await answer.json())["choices"][0]["message"]["content"])

    return _gathered(lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)), ask)


def xcs_stream(url: str) -> int:
    """Events of one streamed answer."""
    import xcs

    return sum(1 for _ in xcs.llm(STREAMED, model="sim", base_url=url, api_key="any", stream=True))


def openai_stream(url: str) -> int:
    """Events of one streamed answer."""
    import openai

    client = _kept(lambda: openai.OpenAI(base_url=url + "/v1", api_key="any"))
    return sum(1 for _ in client.chat.completions.create(model="sim", messages=STREAMED, stream=True))


_clients: list[Any] = []


def _kept(make: Callable[[], Any]) -> Any:
    if not _clients:
        _clients.append(make())
    return _clients[0]


CLIENTS: dict[str, tuple[str, Callable[[str], Run]]] = {
    "xcs": ("xcs", xcs_client),
    "openai, adopted": ("openai", adopted_openai),
    "aiohttp": ("aiohttp", async_aiohttp),
    "httpx": ("httpx", async_httpx),
    "openai, threads": ("openai", threaded_openai),
    "AsyncOpenAI": ("openai", async_openai),
}
STREAMS = {"xcs": ("xcs", xcs_stream), "openai": ("openai", openai_stream)}


@contextlib.contextmanager
def simulator(program: str, *flags: str) -> Iterator[str]:
    """The address of a running simulator."""
    server = subprocess.Popen([program, *flags], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield "http://" + server.stdout.readline().split("http://", 1)[1].strip()
    finally:
        server.terminate()
        server.wait()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(kind: str, name: str, url: str, calls: int, in_flight: int) -> dict[str, float]:
    """One row, in this process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if kind == "stream":
        stream = STREAMS[name][1]
        stream(url)
        cpu, events = _cpu(), 0
        for _ in range(calls):
            events += stream(url)
        return {"us_per_event": (_cpu() - cpu) / events * 1e6}
    run = CLIENTS[name][1](url)
    run(min(calls, 2 * in_flight), in_flight)  # imports, connections, and the first steps of what adapts
    memory, cpu, wall = _peak_bytes(), _cpu(), time.perf_counter()
    run(calls, in_flight)
    wall = time.perf_counter() - wall
    return {"us": (_cpu() - cpu) / calls * 1e6, "wall": wall, "bytes": (_peak_bytes() - memory) / in_flight}


def raw_row(program: str, url: str, calls: int, in_flight: int) -> dict[str, float]:
    """The row of libcurl with nothing on top, which XCS's own transport is measured against."""
    arguments = [program, "--raw", url, str(in_flight), str(calls)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def row(kind: str, name: str, url: str, calls: int, in_flight: int) -> dict[str, float] | None:
    """One row, in a process of its own; None when it failed."""
    arguments = [sys.executable, __file__, "--row", kind, name, url, str(calls), str(in_flight)]
    done = subprocess.run(
        arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    return None if done.returncode != 0 else json.loads(done.stdout.splitlines()[-1])


def _print(*cells: str) -> None:
    print(f"{cells[0]:<17}" + "".join(f"{cell:>12}" for cell in cells[1:]), flush=True)


class Rows:
    """Measures the clients that are installed, and raw libcurl where its program is given."""

    RAW = "raw libcurl"

    def __init__(self, net_bench: str | None) -> None:
        self._net_bench = net_bench
        present = [name for name, make in CLIENTS.items() if importlib.util.find_spec(make[0])]
        self.names = [*([self.RAW] if net_bench else []), *present]

    def measure(self, name: str, url: str, calls: int, in_flight: int) -> dict[str, float] | None:
        """One row; None when it failed."""
        if name == self.RAW and self._net_bench:
            return raw_row(self._net_bench, url, calls, in_flight)
        return row("calls", name, url, calls, in_flight)


def tables(program: str, rows: Rows, quick: bool) -> None:
    """All of them."""
    widths = (1, 100) if quick else (1, 20, 100, 500, 1000)
    with simulator(program, "--latency-ms", "0") as url:
        print("CPU microseconds per call, and calls per second that one core allows, by calls in flight")
        _print("", *(f"{width}" for width in widths))
        for name in rows.names:
            cells = []
            for width in widths:
                calls = (4 if quick else 10) * (1000 if name in ("xcs", Rows.RAW) else 100) + 2 * width
                got = rows.measure(name, url, calls, width)
                cells.append("failed" if got is None else f"{got['us']:.0f}/{1e6 / got['us']:.0f}")
            _print(name, *cells)
        print("\nCPU microseconds per event of a streamed answer")
        for name, make in STREAMS.items():
            if importlib.util.find_spec(make[0]):
                got = row("stream", name, url, 5 if quick else 20, 1)
                _print(name, "failed" if got is None else f"{got['us_per_event']:.1f}")
    print("\nA server of one second: share of ideal, and KiB for a call in flight")
    widths = (100,) if quick else (100, 1000)
    with simulator(program, "--latency-ms", "1000") as url:
        _print("", *(f"{width}" for width in widths))
        for name in rows.names:
            cells = []
            for width in widths:
                got = rows.measure(name, url, 3 * width, width)
                cells.append("failed" if got is None else f"{3 / got['wall']:.2f} {got['bytes'] / 1024:.0f}K")
            _print(name, *cells)


def main() -> None:
    """Prints the tables, or measures the row that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("program", nargs="?", help="xcs-sim")
    parser.add_argument("--net-bench", help="xcs_net_bench, for the row of raw libcurl")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", nargs=5, metavar=("KIND", "NAME", "URL", "CALLS", "IN_FLIGHT"))
    given = parser.parse_args()
    if given.row:
        kind, name, url, calls, in_flight = given.row
        print(json.dumps(measure(kind, name, url, int(calls), int(in_flight))))
    else:
        tables(given.program, Rows(given.net_bench), given.quick)


if __name__ == "__main__":
    main()
