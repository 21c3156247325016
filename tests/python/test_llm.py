"""What callers of xcs.llm see, against the simulator."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xcs

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session", autouse=True)
def built_simulator(project_root: Path) -> None:
    """Where no simulator is installed beside the package, the one built last serves."""
    if "XCS_SIM" in os.environ or (Path(xcs.__file__).parent / "_bin" / "xcs-sim").exists():
        return
    built = sorted(project_root.glob("build/*/src/sim/xcs-sim"), key=lambda path: path.stat().st_mtime)
    assert built, "no simulator: build the target xcs-sim, or name the program in XCS_SIM"
    os.environ["XCS_SIM"] = str(built[-1])


@pytest.fixture(scope="module")
def sim(built_simulator: None) -> Iterator[xcs.Simulator]:
    with xcs.Simulator(latency_ms=20) as running:
        yield running


def ask(sim: xcs.Simulator, prompt: Any, **options: Any) -> Any:
    return xcs.llm(prompt, **{"model": "sim", "base_url": sim.base_url, "api_key": "any", **options})


def test_a_prompt_gets_the_text_of_the_answer_from_either_provider(sim: xcs.Simulator) -> None:
    assert ask(sim, "Pick one. [one of: plum]") == "plum"
    assert ask(sim, "Pick one. [one of: plum]", model="claude-any") == "plum"
    assert ask(sim, "Pick one. [one of: plum]", provider="anthropic") == "plum"
    by_endpoint = sim.stats()["by_endpoint"]
    assert by_endpoint["chat_completions"] >= 1
    assert by_endpoint["messages"] >= 2


def test_messages_and_a_system_prompt_are_part_of_what_is_asked(sim: xcs.Simulator) -> None:
    messages = [
        {"role": "user", "content": "Pick. [one of: plum]"},
        {"role": "assistant", "content": "plum"},
        {"role": "user", "content": [{"type": "text", "text": "Again. [one of: pear]"}]},
    ]
    assert ask(sim, messages) == "pear"
    assert ask(sim, messages, provider="anthropic") == "pear"
    plain = ask(sim, "Say something.")
    assert plain == ask(sim, [{"role": "user", "content": "Say something."}])
    assert plain != ask(sim, "Say something.", system="You are a pirate.")
    assert plain != ask(sim, "Say something.", seed=7), "further fields reach the server"


def test_the_whole_answer_tells_what_it_took_and_can_be_pickled(sim: xcs.Simulator) -> None:
    answer = ask(sim, "Say something.", full=True, max_tokens=5)
    assert isinstance(answer, xcs.LLMAnswer)
    assert answer.text == answer.raw["choices"][0]["message"]["content"]
    assert (answer.model, answer.finish_reason) == ("sim", "length")
    assert answer.usage.output_tokens == answer.raw["usage"]["completion_tokens"] == 5
    assert answer.usage.input_tokens > 0
    assert answer.request_id
    assert pickle.loads(pickle.dumps(answer)) == answer


def test_ten_calls_of_a_jitted_loop_are_in_flight_together(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def loop(n: int) -> list[str]:
        answers = []
        for i in range(n):
            answers.append(xcs.llm(f"question {i}", model="sim", base_url=url, api_key="any"))
        return answers

    answers = loop(10)
    run = xcs.stats(loop)
    assert run is not None
    assert (run.calls, run.rounds, run.most_in_flight) == (10, 1, 10)
    assert answers == [ask(sim, f"question {i}") for i in range(10)]


def test_whole_answers_are_read_without_holding_other_calls_back(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def tokens(n: int) -> list[int]:
        counts = []
        for i in range(n):
            answer = xcs.llm(f"question {i}", model="sim", base_url=url, api_key="any", full=True)
            counts.append(answer.usage.output_tokens)
        return counts

    assert tokens(5) == [ask(sim, f"question {i}", full=True).usage.output_tokens for i in range(5)]
    run = xcs.stats(tokens)
    assert run is not None
    assert (run.calls, run.most_in_flight) == (5, 5)


def test_an_answer_in_the_messages_of_another_call_is_waited_for_by_that_call_alone(
    sim: xcs.Simulator,
) -> None:
    url = sim.base_url

    @xcs.jit
    def refine(n: int) -> list[str]:
        finals = []
        for i in range(n):
            draft = xcs.llm(f"draft {i}", model="sim", base_url=url, api_key="any")
            messages = [{"role": "user", "content": f"draft {i}"}, {"role": "assistant", "content": draft}]
            messages.append({"role": "user", "content": "Improve it."})
            finals.append(xcs.llm(messages, model="sim", base_url=url, api_key="any"))
        return finals

    def sequential(i: int) -> Any:
        draft = ask(sim, f"draft {i}")
        return ask(
            sim,
            [
                {"role": "user", "content": f"draft {i}"},
                {"role": "assistant", "content": draft},
                {"role": "user", "content": "Improve it."},
            ],
        )

    assert refine(5) == [sequential(i) for i in range(5)]
    run = xcs.stats(refine)
    assert run is not None
    assert (run.calls, run.most_in_flight) == (10, 5)


def test_calls_make_no_threads_of_their_own(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def fan_out(n: int) -> list[str]:
        return [xcs.llm(f"question {i}", model="sim", base_url=url, api_key="any") for i in range(n)]

    fan_out(1)
    before = len(os.listdir("/proc/self/task"))
    fan_out(200)
    assert len(os.listdir("/proc/self/task")) == before


def test_a_call_waits_without_the_gil(sim: xcs.Simulator) -> None:
    steps = 0
    done = threading.Event()

    def count() -> None:
        nonlocal steps
        while not done.is_set():
            steps += 1

    counter = threading.Thread(target=count)
    with xcs.Simulator(latency_ms=300) as slow:
        counter.start()
        begun = steps
        ask(slow, "take your time")
        counted = steps - begun
        done.set()
        counter.join()
    assert counted > 1000


def test_a_missing_key_names_the_variable_to_set() -> None:
    with pytest.raises(xcs.UsageError, match="OPENAI_API_KEY"):
        xcs.llm("x", model="gpt-any")
    with pytest.raises(xcs.UsageError, match="ANTHROPIC_API_KEY"):
        xcs.llm("x", model="claude-any")


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with xcs.Simulator(latency_ms=0, api_key="sk-right") as strict:
        monkeypatch.setenv("OPENAI_BASE_URL", strict.base_url + "/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-right")
        assert xcs.llm("Pick. [one of: plum]", model="sim") == "plum"


def test_a_wrong_key_is_an_error_that_does_not_show_the_key() -> None:
    with xcs.Simulator(latency_ms=0, api_key="sk-right") as strict:
        for provider in ("openai", "anthropic"):
            with pytest.raises(xcs.LLMAuthenticationError, match="does not accept the API key") as caught:
                ask(strict, "x", api_key="sk-wrong-secret", provider=provider)
            error = caught.value
            assert (error.status, error.code, error.retryable) == (401, "llm.authentication", False)
            assert "sk-wrong-secret" not in str(error) + repr(vars(error))
            assert "api_key" in str(error)


def test_an_unreachable_server_is_an_error_that_names_it() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(
            xcs.LLMConnectionError, match=f"127.0.0.1:{port}: check that the server"
        ) as caught:
            xcs.llm("x", model="sim", base_url=f"http://127.0.0.1:{port}", max_retries=0)
    assert (caught.value.code, caught.value.status, caught.value.retryable) == ("net.connect", None, True)


def test_a_malformed_answer_is_an_error_that_shows_it(sim: xcs.Simulator) -> None:
    with pytest.raises(xcs.LLMAnswerError, match=r"breaks off or is damaged.*base_url") as caught:
        ask(sim, "x [fault malformed always]", max_retries=0)
    assert (caught.value.status, caught.value.code) == (200, "llm.truncated")
    assert ask(sim, "[one of: plum] [fault malformed]") == "plum", "asked for again"


def test_a_silent_server_is_a_timeout(sim: xcs.Simulator) -> None:
    with pytest.raises(xcs.LLMTimeoutError, match=r"within 0\.1 s.*raise timeout"):
        ask(sim, "x [fault black_hole always]", timeout=0.1, max_retries=0)


def test_a_failure_that_passes_is_tried_again(sim: xcs.Simulator) -> None:
    assert ask(sim, "Pick. [one of: plum] [fault reset]")
    with pytest.raises(xcs.LLMError, match=r"status 500") as caught:
        ask(sim, "x [fault server_error always]", max_retries=0)
    assert (caught.value.status, caught.value.retryable) == (500, True)


def test_errors_survive_pickling(sim: xcs.Simulator) -> None:
    with pytest.raises(xcs.LLMError) as caught:
        ask(sim, "x [fault quota always]")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert (str(copy), vars(copy)) == (str(caught.value), vars(caught.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": "many"}, "max_tokens must be a whole number from 1 on, not 'many'"),
        ({"max_tokens": 0}, "max_tokens must be"),
        ({"max_retries": -1}, "max_retries must be a whole number from 0 on"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"timeout": 0}, "timeout must be a positive number of seconds"),
        ({"provider": "other"}, 'provider must be "openai", "responses" or "anthropic"'),
        ({"model": 3}, "model must be a string"),
        ({"base_url": "ftp://host"}, "must begin with http"),
        ({"api_key": "sk secret"}, "contains a space"),
        ({"tags": {1, 2}}, "further fields must be data that JSON can hold"),
    ],
)
def test_an_argument_of_no_use_is_refused_before_anything_is_sent(
    sim: xcs.Simulator, options: dict[str, Any], message: str
) -> None:
    sim.reset()
    with pytest.raises(xcs.UsageError, match=message) as caught:
        ask(sim, "x", **options)
    assert "secret" not in str(caught.value)
    assert sim.stats()["requests"] == 0


@pytest.mark.parametrize("prompt", [3, [], ["x"], [{"role": "user"}], [{"role": 1, "content": "x"}]])
def test_a_prompt_of_no_use_is_refused(sim: xcs.Simulator, prompt: Any) -> None:
    with pytest.raises(xcs.UsageError, match=r"message|prompt"):
        ask(sim, prompt)


def test_a_call_that_does_not_fit_raises_what_python_raises_in_both_modes() -> None:
    def calls() -> Any:
        return xcs.llm("x")  # type: ignore[call-overload]

    with pytest.raises(TypeError, match="model") as plain:
        calls()
    with pytest.raises(TypeError, match="model") as jitted:
        xcs.jit(calls)()
    assert str(plain.value) == str(jitted.value)


def test_the_first_exception_in_program_order_wins(sim: xcs.Simulator) -> None:
    url = sim.base_url

    def calls() -> list[str]:
        first = xcs.llm("[one of: plum]", model="sim", base_url=url)
        second = xcs.llm("x [fault black_hole always]", model="sim", base_url=url, timeout=0.3, max_retries=0)
        third = xcs.llm("x [fault quota always]", model="sim", base_url=url)
        return [first, second, third]

    jitted = xcs.jit(calls)
    with pytest.raises(xcs.LLMTimeoutError):
        jitted()
    run = xcs.stats(jitted)
    assert run is not None
    assert run.most_in_flight == 3


def test_an_error_raised_in_a_handler_has_the_handled_one_as_context(sim: xcs.Simulator) -> None:
    url = sim.base_url

    def calls() -> str:
        try:
            raise KeyError("first")
        except KeyError:
            return xcs.llm("x [fault quota always]", model="sim", base_url=url)

    for function in (calls, xcs.jit(calls)):
        with pytest.raises(xcs.LLMError) as caught:
            function()
        assert isinstance(caught.value.__context__, KeyError)


def test_a_run_that_fails_cancels_what_is_in_flight(sim: xcs.Simulator) -> None:
    url = sim.base_url

    @xcs.jit
    def calls() -> list[str]:
        answers = [xcs.llm("x [fault quota always]", model="sim", base_url=url)]
        for i in range(50):
            answers.append(xcs.llm(f"{i} [fault black_hole always]", model="sim", base_url=url))
        return answers

    with pytest.raises(xcs.LLMError, match="billing"):
        calls()
    wait_until_idle(sim)


def wait_until_idle(sim: xcs.Simulator) -> None:
    """The server hears of a closed connection a little later."""
    end = time.monotonic() + 30
    while sim.stats()["in_flight"] != 0:
        assert time.monotonic() < end, "requests are still in flight"


def interrupted(sim: xcs.Simulator, body: str, in_flight: int) -> subprocess.CompletedProcess[str]:
    """Runs a program, sends it SIGINT as soon as the server has `in_flight` requests, and waits for its end."""
    script = f"import xcs\nurl = {sim.base_url!r}\n{textwrap.dedent(body)}"
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while sim.stats()["in_flight"] < in_flight:
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < end
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    return subprocess.CompletedProcess([], child.returncode, out, err)


# A jitted function needs its source, so the program is a file.
def test_ctrl_c_ends_a_run_with_200_calls_in_flight(sim: xcs.Simulator, tmp_path: Path) -> None:
    program = tmp_path / "fan_out.py"
    program.write_text(
        textwrap.dedent("""
            import xcs

            @xcs.jit
            def fan_out(url, calls, fault):
                return [xcs.llm(f"{i} {fault}", model="sim", base_url=url) for i in range(calls)]
        """)
    )
    ended = interrupted(
        sim,
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import fan_out
        try:
            fan_out.fan_out(url, 1000, "")  # so that as many may be in flight
            fan_out.fan_out(url, 200, "[fault black_hole always]")
        except KeyboardInterrupt:
            print("interrupted")
        """,
        in_flight=200,
    )
    assert (ended.stdout, ended.returncode) == ("interrupted\n", 0), ended.stderr
    wait_until_idle(sim)


def test_a_limit_per_minute_is_learnt_from_the_first_answers_and_never_exceeded_again(
    built_simulator: None,
) -> None:
    with xcs.Simulator(latency_ms=5, rpm=3000, burst_seconds=1) as limited:
        url = limited.base_url

        @xcs.jit
        def calls(n: int) -> list[str]:
            return [xcs.llm(f"question {i}", model="sim", base_url=url, api_key="limited") for i in range(n)]

        assert len(calls(100)) == 100
        counters = limited.stats()
        assert counters["limit_violations"] <= 1, (
            "the provider lets 50 calls go at once, not the 3000 it names"
        )
        assert counters["requests"] == 100 + counters["limit_violations"]
        run = xcs.stats(calls)
        assert run is not None
        assert run.critical_path < run.wall / 2, "what waits for its turn is not under way"


def test_an_exhausted_account_fails_every_call_that_waits_without_sending_it(built_simulator: None) -> None:
    with xcs.Simulator(latency_ms=20) as poor:
        url = poor.base_url

        @xcs.jit
        def calls(n: int) -> list[str]:
            return [
                xcs.llm(f"{i} [fault quota always]", model="sim", base_url=url, api_key="poor")
                for i in range(n)
            ]

        with pytest.raises(xcs.LLMError, match="billing") as caught:
            calls(500)
        assert caught.value.reason == "credit_balance_exhausted"
        assert poor.stats()["requests"] <= 20


def test_ctrl_c_ends_a_call_outside_any_run(sim: xcs.Simulator) -> None:
    ended = interrupted(sim, 'xcs.llm("x [fault black_hole always]", model="sim", base_url=url)', in_flight=1)
    assert ended.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in ended.stderr
    wait_until_idle(sim)


def test_a_program_ends_while_a_daemon_thread_waits_for_an_answer(sim: xcs.Simulator) -> None:
    script = f"""
import threading, xcs
threading.Thread(
    target=lambda: xcs.llm("x [fault black_hole always]", model="sim", base_url={sim.base_url!r}), daemon=True
).start()
input()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while sim.stats()["in_flight"] < 1:
        assert child.poll() is None
        assert time.monotonic() < end
    _, errors = child.communicate("\n", timeout=30)
    assert (child.returncode, errors) == (0, "")
    wait_until_idle(sim)


def test_a_forked_process_calls_with_a_reactor_of_its_own(sim: xcs.Simulator) -> None:
    assert ask(sim, "Pick. [one of: plum]") == "plum"
    pid = os.fork()
    if pid == 0:
        answer = ask(sim, "Pick. [one of: pear]", timeout=10)
        os._exit(0 if answer == "pear" else 1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.timeout(300)
def test_ten_thousand_calls_are_in_flight_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    calls = 10_000
    latency = 3.0

    @xcs.jit(max_in_flight=calls)
    def fan_out(url: str, n: int) -> list[str]:
        return [xcs.llm(f"question {i}", model="sim", base_url=url, api_key="any") for i in range(n)]

    with xcs.Simulator(latency_ms=latency * 1000) as slow:
        fan_out(slow.base_url, 1)
        before = resident_bytes()
        answers = fan_out(slow.base_url, calls)
        per_call = (resident_bytes() - before) / calls
        peak = slow.stats()["peak_in_flight"]
    run = xcs.stats(fan_out)
    assert run is not None
    assert (run.calls, run.rounds, run.most_in_flight) == (calls, 1, calls)
    assert len(set(answers)) == calls
    assert peak > calls / 2, "the server sees them at the same time, too"
    with capsys.disabled():
        over = (run.wall - latency) / calls * 1e6
        print(f"\n{calls} calls in flight: {run.wall:.2f} s, {over:.0f} us over the latency and", end=" ")
        print(f"{per_call:.0f} bytes a call")
    assert per_call < 64 * 1024


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_the_version_is_the_projects(project_root: Path) -> None:
    assert f'\nversion = "{xcs.__version__}"\n' in (project_root / "pyproject.toml").read_text()
