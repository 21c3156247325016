"""The program as its user meets it: what it prints, how it ends, and what it holds when resources are short."""

import json
import resource
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest


def run(program: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *flags], capture_output=True, text=True, timeout=30, check=False)


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


def chat(text: str) -> bytes:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def read_stats(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url + "/sim/stats", timeout=30) as reply:
        return json.load(reply)


def test_help_names_the_command_and_its_flags(program):
    shown = run(program, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith("usage: xcs sim")
    assert "--latency-ms MS" in shown.stdout


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--prot", "1"], "xcs sim: unknown argument '--prot'\nTry xcs sim --help.\n"),
        (
            ["--rpm", "fast"],
            "xcs sim: --rpm needs a number from 1 to 1000000000000, not 'fast'\nTry xcs sim --help.\n",
        ),
    ],
)
def test_a_bad_argument_is_explained_and_the_status_is_2(program, flags, complaint):
    shown = run(program, *flags)
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", complaint)


def test_a_port_that_is_taken_is_explained_and_the_status_is_1(program, serve):
    port = str(urlsplit(serve()).port)
    shown = run(program, "--port", port)
    assert shown.returncode == 1
    assert shown.stderr == f"xcs sim: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_with_status_0_and_closes_what_is_in_flight(program, stop):
    with subprocess.Popen([program, "--black-hole-rate", "1"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("listening on ").strip()
        with connect(url) as client:
            client.sendall(chat("x"))
            while read_stats(url)["in_flight"] != 1:
                continue
            server.send_signal(stop)
            assert client.recv(1) == b""
        assert server.wait(timeout=10) == 0


def test_clients_beyond_the_descriptors_wait_and_are_served_later(program):
    def few_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    command = [program, "--latency-ms", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=few_descriptors) as server:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("listening on ").strip()
        clients = [connect(url) for _ in range(60)]
        for number, client in enumerate(clients):
            client.sendall(chat(f"[one of: {number}]"))
        for number, client in enumerate(clients):
            assert f'"content":"{number}"'.encode() in client.recv(65536)
            client.close()
        stats = read_stats(url)
        assert stats["requests"] == 60
        assert stats["connections"]["descriptor_shortages"] > 0
        server.terminate()
        assert server.wait(timeout=10) == 0


def test_thousands_of_requests_are_in_flight_at_once(serve: Callable[..., str]):
    count = 4000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        url = serve("--black-hole-rate", "1")
        clients = [connect(url) for _ in range(count)]
        for number, client in enumerate(clients):
            client.sendall(chat(str(number)))
        while read_stats(url)["in_flight"] != count:
            continue
        for client in clients:
            client.close()
        while read_stats(url)["abandoned"] != count:
            continue
        stats = read_stats(url)
        assert stats["peak_in_flight"] == count
        assert stats["in_flight"] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_counters_are_cleared_by_delete(serve: Callable[..., str]):
    url = serve("--latency-ms", "0")
    with connect(url) as client:
        client.sendall(chat("x") * 2)
        while read_stats(url)["requests"] != 2:
            continue
    assert read_stats(url)["duplicates"] == 1
    request = urllib.request.Request(url + "/sim/stats", method="DELETE")
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert json.load(reply)["requests"] == 0
    assert read_stats(url)["by_status"] == {}
