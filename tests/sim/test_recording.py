"""Real traffic, recorded once and replayed: what the client sees is the same, with the simulator as the provider."""

import contextlib
import http.client
import json
import os
import random
import resource
import signal
import ssl
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

Serve = Callable[..., str]
KEY = "sk-secret-0123456789abcdef"


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def post(url: str, body: Any, path: str = "/v1/chat/completions") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to `body`, which is sent as JSON unless it is bytes."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}", "cookie": f"a={KEY}x"}
    with contextlib.closing(connection):
        connection.request("POST", path, data, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def stats(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url + "/sim/stats", timeout=30) as reply:
        return json.load(reply)


class Server:
    """A server that a test ends when it wants to."""

    def __init__(self, program: Path, *flags: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [program, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().removeprefix("listening on ").strip()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        """Its status, and what it wrote to the standard error."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


WORKFLOW = [
    chat("one"),
    chat("two [fault rate_limit]"),
    chat("two [fault rate_limit]"),
    chat("three [fault server_error]"),
    chat("four", stream=True),
    chat("five [fault bad_gateway]"),
    chat("six", n=2),
]


def test_a_workflow_is_replayed_with_the_same_statuses_headers_and_bodies(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    upstream = serve("--first-byte-ms", "2", "--tokens-per-second", "3000")
    with Server(program, "--record", str(file), "--upstream", upstream + "/") as recorder:
        recorded = [post(recorder.url, body) for body in WORKFLOW]
        counted = stats(recorder.url)
    assert [status for status, _, _ in recorded] == [200, 429, 200, 500, 200, 502, 200]
    assert counted["by_status"] == {"200": 4, "429": 1, "500": 1, "502": 1}
    assert (counted["requests"], counted["duplicates"], counted["in_flight"]) == (7, 1, 0)
    assert stats(upstream)["requests"] == 7

    replay = serve("--replay", str(file), "--speed", "0")
    assert [post(replay, body) for body in WORKFLOW] == recorded
    again = stats(replay)
    assert (again["by_status"], again["duplicates"], again["unrecorded"]) == (counted["by_status"], 1, 0)
    assert stats(upstream)["requests"] == 7


def test_a_recording_is_for_its_owner_alone_and_holds_no_key(program: Path, serve: Serve, tmp_path: Path):
    file = tmp_path / "r.jsonl"
    body = chat(f"my key is {KEY} [one of: {KEY}]")
    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        status, _, answer = post(recorder.url, body, f"/v1/chat/completions?x=1&key={KEY}&api%2Dkey=short")
    assert (status, KEY.encode() in answer) == (200, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in file.read_text()
    assert "short" not in file.read_text()
    (line,) = lines_of(file)
    assert line["path"] == "/v1/chat/completions?x=1&key=*&api%2Dkey=*"
    assert line["request"]["json"]["messages"][0]["content"] == "my key is * [one of: *]"
    status, _, replayed = post(
        serve("--replay", str(file), "--speed", "0"), body, "/v1/chat/completions?x=1&key=other&api%2Dkey=b"
    )
    assert (status, replayed) == (200, answer.replace(KEY.encode(), b"*" * len(KEY)))


def test_a_request_is_found_by_what_its_json_says_and_streamed_answers_are_others(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        whole = post(
            recorder.url, b'{"model":"m", "temperature":1, "messages":[{"role":"user","content":"\\u00e9"}]}'
        )
    replay = serve("--replay", str(file))
    other = b'{"messages":[{"content":"\xc3\xa9","role":"user"}],"temperature":1.0,\n"model":"m"}'
    assert post(replay, other) == whole
    status, _, answer = post(replay, json.loads(other) | {"stream": True})
    assert (status, json.loads(answer)["error"]["code"]) == (404, "not_recorded")
    assert "differs in: stream" in json.loads(answer)["error"]["message"]


def test_answers_to_the_same_request_come_in_the_order_of_asking_and_the_last_repeats(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    upstream = serve("--latency-ms", "0", "--stateful")
    with Server(program, "--record", str(file), "--upstream", upstream) as recorder:
        recorded = [post(recorder.url, chat("x"))[2] for _ in range(3)]
    assert len(set(recorded)) == 3
    replay = serve("--replay", str(file))
    assert [post(replay, chat("x"))[2] for _ in range(5)] == [*recorded, recorded[2], recorded[2]]
    request = urllib.request.Request(replay + "/sim/stats", method="DELETE")
    urllib.request.urlopen(request, timeout=30).close()
    assert post(replay, chat("x"))[2] == recorded[0]


def test_what_was_not_recorded_is_refused_in_the_providers_format_with_advice(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        post(recorder.url, chat("one", temperature=0))
    replay = serve("--replay", str(file))
    status, _, answer = post(replay, chat("two", temperature=0))
    message = json.loads(answer)["error"]["message"]
    assert status == 404
    assert f"The recording {file} holds no answer to this request, POST /v1/chat/completions." in message
    assert "differs in: messages." in message
    assert "--record" in message
    status, _, answer = post(replay, {"model": "m"}, "/v1/messages")
    assert (status, json.loads(answer)["error"]["type"]) == (404, "not_found_error")
    assert stats(replay)["unrecorded"] == 2


def test_recording_goes_on_behind_what_is_there_and_removes_half_a_line(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    upstream = serve("--latency-ms", "0")
    recorded = []
    for text in ("one", "two", "three"):
        with Server(program, "--record", str(file), "--upstream", upstream) as recorder:
            recorded.append(post(recorder.url, chat(text)))
            _, errors = recorder.end(signal.SIGKILL)
        assert ("is left out" in errors) == (text == "two")
        if text == "one":
            half = file.read_text()
            file.write_text(half + half[:40])
    assert len(lines_of(file)) == 3
    replay = serve("--replay", str(file), "--speed", "0")
    assert [post(replay, chat(text)) for text in ("one", "two", "three")] == recorded


def test_a_second_recorder_of_a_file_and_a_file_that_is_no_recording_are_refused(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    upstream = serve("--latency-ms", "0")
    with (
        Server(program, "--record", str(file), "--upstream", upstream),
        Server(program, "--record", str(file), "--upstream", upstream) as second,
    ):
        assert second.end() == (1, f"xcs sim: cannot record to {file}: another simulator records to it\n")
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes")
    with Server(program, "--record", str(notes), "--upstream", upstream) as refused:
        status, errors = refused.end()
    assert (status, "remove that line first" in errors, notes.read_text()) == (1, True, "my notes")


def test_a_corrupt_last_line_is_a_warning_and_any_other_an_error_with_its_number(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        recorded = post(recorder.url, chat("one"))
    good = file.read_text()
    file.write_text(good + '{"v":1}\n')
    with Server(program, "--replay", str(file)) as replay:
        assert post(replay.url, chat("one")) == recorded
        status, errors = replay.end()
    assert (status, errors) == (
        0,
        f'xcs sim: the last line of {file}, line 2, has no "at_us" that is a number; it is left out\n',
    )
    file.write_text(good + "nonsense\n" + good)
    with Server(program, "--replay", str(file)) as replay:
        status, errors = replay.end()
    assert (status, errors.startswith(f"xcs sim: line 2 of {file} is not JSON")) == (1, True)
    missing = subprocess.run(
        [program, "--replay", str(tmp_path / "no")], capture_output=True, text=True, check=False
    )
    assert missing.stderr == f"xcs sim: cannot read {tmp_path / 'no'}: No such file or directory\n"


@pytest.mark.parametrize(
    ("fault", "failure"),
    [("reset", ConnectionResetError), ("truncated", http.client.IncompleteRead)],
)
def test_a_broken_connection_breaks_again(
    program: Path, serve: Serve, tmp_path: Path, fault: str, failure: type[Exception]
):
    file = tmp_path / "r.jsonl"
    body = chat(f"x [fault {fault}]")
    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        with pytest.raises(failure) as first:
            post(recorder.url, body)
        second = post(recorder.url, body)
    replay = serve("--replay", str(file), "--speed", "0")
    with pytest.raises(failure) as again:
        post(replay, body)
    assert str(again.value) == str(first.value)
    assert post(replay, body) == second
    assert lines_of(file)[0]["end"] == "reset"


def test_an_answer_whose_client_left_is_recorded_and_silence_stays_silence(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    upstream = serve("--latency-ms", "0")
    with Server(program, "--record", str(file), "--upstream", upstream) as recorder:
        parts = urlsplit(recorder.url)
        client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        client.request("POST", "/v1/chat/completions", json.dumps(chat("x [fault black_hole]")))
        while stats(upstream)["in_flight"] != 1:
            continue
        client.close()
        while stats(recorder.url)["abandoned"] != 1:
            continue
    (line,) = lines_of(file)
    assert (line["end"], "status" in line) == ("timeout", False)
    replay = serve("--replay", str(file), "--speed", "0")
    parts = urlsplit(replay)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=0.2)
    client.request("POST", "/v1/chat/completions", json.dumps(chat("x [fault black_hole]")))
    with pytest.raises(TimeoutError):
        client.getresponse()
    client.close()


def test_the_times_of_a_stream_are_kept_or_left_out(program: Path, serve: Serve, tmp_path: Path):
    file = tmp_path / "r.jsonl"
    upstream = serve("--first-byte-ms", "5", "--first-byte-sigma", "0", "--tokens-per-second", "400")
    with Server(program, "--record", str(file), "--upstream", upstream) as recorder:
        recorded = post(recorder.url, chat("x", stream=True))
    (line,) = lines_of(file)
    assert len(line["chunks"]) > 3
    assert line["head_ms"] >= 5
    times = [chunk["ms"] for chunk in line["chunks"]]
    assert times == sorted(times)
    assert line["end_ms"] >= times[-1] > times[0]
    # A second recording of the replay shows when its pieces came: not before their time.
    kept = tmp_path / "kept.jsonl"
    with Server(program, "--record", str(kept), "--upstream", serve("--replay", str(file))) as recorder:
        assert post(recorder.url, chat("x", stream=True)) == recorded
    (copy,) = lines_of(kept)
    assert copy["end_ms"] >= line["end_ms"]
    assert copy["head_ms"] >= line["head_ms"]
    assert "".join(c["text"] for c in copy["chunks"]) == "".join(c["text"] for c in line["chunks"])


def test_an_upstream_that_cannot_be_reached_is_explained_and_not_recorded(program: Path, tmp_path: Path):
    file = tmp_path / "r.jsonl"
    with Server(program, "--record", str(file), "--upstream", "http://127.0.0.1:1") as recorder:
        status, _, answer = post(recorder.url, chat("x"))
    message = json.loads(answer)["error"]["message"]
    assert status == 502
    assert message.startswith("xcs sim got no answer from the upstream: cannot connect to 127.0.0.1:1")
    assert file.read_text() == ""


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--record", "f"], "--record needs --upstream URL, where requests are forwarded to"),
        (["--upstream", "http://h"], "--upstream needs --record FILE, where what comes back is kept"),
        (["--speed", "1"], "--speed needs --replay FILE, whose times it changes"),
        (
            ["--record", "f", "--upstream", "http://h", "--replay", "f"],
            "--record and --replay exclude each other",
        ),
        (
            ["--replay", "f", "--rpm", "5"],
            "--rpm is about answers that the simulator makes itself, so it does not go with --replay",
        ),
        (["--upstream", "h", "--record", "f"], "--upstream needs a URL like https://api.openai.com, not 'h'"),
        (
            ["--replay", "f", "--speed", "-1"],
            "--speed needs 0 or a number from 1e-06 to 1000000000000, not '-1'",
        ),
    ],
)
def test_options_that_do_not_fit_are_explained(program: Path, flags: list[str], complaint: str):
    shown = subprocess.run([program, *flags], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (2, f"xcs sim: {complaint}\nTry xcs sim --help.\n")


def test_the_official_client_sees_the_same_from_the_recording(program: Path, serve: Serve, tmp_path: Path):
    file = tmp_path / "r.jsonl"

    def work(url: str) -> list[Any]:
        with openai.OpenAI(base_url=url + "/v1", api_key=KEY, max_retries=2) as client:
            return ask(client)

    def ask(client: openai.OpenAI) -> list[Any]:
        said: list[Any] = []
        for text in ("one", "two [fault rate_limit]", "three [fault server_error]"):
            messages: Any = [{"role": "user", "content": text}]
            said.append(client.chat.completions.create(model="m", messages=messages).model_dump())
            stream = client.chat.completions.create(model="m", messages=messages, stream=True)
            said.append([event.model_dump() for event in stream])
        said.append(client.embeddings.create(model="m", input="x").model_dump())
        said.append([model.id for model in client.models.list()])
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="m", messages=[])
        said.append(str(refused.value))
        return said

    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        recorded = work(recorder.url)
    assert KEY not in file.read_text()
    replay = serve("--replay", str(file), "--speed", "0")
    assert work(replay) == recorded
    assert stats(replay)["unrecorded"] == 0


def test_a_recording_that_is_cut_or_changed_anywhere_is_read_or_refused(
    program: Path, serve: Serve, tmp_path: Path
):
    file = tmp_path / "r.jsonl"
    with Server(program, "--record", str(file), "--upstream", serve("--latency-ms", "0")) as recorder:
        for text in ("one", "two"):
            post(recorder.url, chat(text))
    good = file.read_bytes()
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    for _ in range(20):
        bad = bytearray(good)
        for _ in range(draw.randrange(4)):
            bad[draw.randrange(len(bad))] = draw.randrange(256)
        file.write_bytes(bad[: draw.randrange(len(bad) + 1)])
        with Server(program, "--replay", str(file), "--speed", "0") as replay:
            if replay.url:
                assert stats(replay.url)["requests"] == 0
            status, errors = replay.end()
        assert (status == 0) == bool(replay.url), errors
        assert status in (0, 1), errors
        assert errors.startswith("xcs sim: ") or status == 0


def test_a_recording_that_cannot_be_written_stops_the_forwarding_and_is_told(
    program: Path, serve: Serve, tmp_path: Path
):
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    file = tmp_path / "r.jsonl"
    upstream = serve("--latency-ms", "0")
    # Python ignores SIGXFSZ, and so does what it starts with its signals as they are: a write then fails.
    recorder = subprocess.Popen(
        [program, "--record", str(file), "--upstream", upstream],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        restore_signals=False,
        preexec_fn=small_files,
    )
    assert recorder.stdout is not None
    url = recorder.stdout.readline().removeprefix("listening on ").strip()
    assert post(url, chat("one"))[0] == 200
    status, _, answer = post(url, chat("two"))
    why = f"cannot record to {file}: File too large"
    assert (status, json.loads(answer)["error"]["message"]) == (
        500,
        f"xcs sim {why}, so it forwards no more requests.",
    )
    recorder.terminate()
    _, errors = recorder.communicate(timeout=30)
    assert (recorder.returncode, errors) == (1, f"xcs sim: {why}\n")
    assert (file.read_text(), stats(upstream)["requests"]) == ("", 1)


def test_traffic_over_http2_is_recorded_and_replayed(program: Path, tmp_path: Path):
    """Over HTTP/2 on both sides of the recorder, whole, streamed and reset, by the project's own client."""
    upstream_pem, recorder_pem, file = (
        tmp_path / "upstream.pem",
        tmp_path / "recorder.pem",
        tmp_path / "r.jsonl",
    )
    client = """
import sys, xcs
url = sys.argv[1]

@xcs.jit
def answers(n):
    prompts = [f"{i}" + " [fault rate_limit]" * (i % 3 == 0) for i in range(n)]
    return [xcs.llm(prompt, model="m", base_url=url, api_key="any") for prompt in prompts]

print(answers(30))
print(list(xcs.llm("streamed", model="m", base_url=url, api_key="any", stream=True)))
try:
    xcs.llm("[fault reset always]", model="m", base_url=url, api_key="any", max_retries=0)
except xcs.LLMError as error:
    print(error.code)
"""

    def run(url: str) -> str:
        environment = {**os.environ, "SSL_CERT_FILE": str(recorder_pem)}
        done = subprocess.run(
            [sys.executable, "-c", client, url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def counted(url: str) -> tuple[int, int]:
        trusted = ssl.create_default_context(cafile=upstream_pem if url == upstream.url else recorder_pem)
        with urllib.request.urlopen(url + "/sim/stats", timeout=30, context=trusted) as reply:
            seen = json.load(reply)
        return seen["requests"], seen["over_http2"]

    with Server(program, "--tls", str(upstream_pem), "--latency-ms", "2") as upstream:
        flags = ("--record", str(file), "--upstream", upstream.url, "--tls", str(recorder_pem))
        with Server(program, *flags, SSL_CERT_FILE=str(upstream_pem)) as recorder:
            recorded = run(recorder.url)
            # 30 calls, ten of which are refused once, a stream and what breaks.
            assert counted(recorder.url) == counted(upstream.url) == (42, 42)
    assert recorded.endswith("net.broken\n")
    assert len(lines_of(file)) == 42
    with Server(program, "--replay", str(file), "--speed", "0", "--tls", str(recorder_pem)) as replay:
        assert run(replay.url) == recorded
        assert counted(replay.url) == (42, 42)
