"""The official OpenAI client accepts what the simulator answers, with its own validation switched on."""

from collections.abc import Callable, Iterator

import openai
import pytest

PROMPT = "Summarise the moon landing."


@pytest.fixture
def connect(serve: Callable[..., str]) -> Iterator[Callable[..., openai.OpenAI]]:
    clients: list[openai.OpenAI] = []

    def connect(*flags: str, key: str = "sk-test", strict: bool = True) -> openai.OpenAI:
        clients.append(
            openai.OpenAI(
                base_url=serve(*(flags or ("--latency-ms", "0"))) + "/v1",
                api_key=key,
                max_retries=0,
                _strict_response_validation=strict,
            )
        )
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_a_chat_completion_has_every_field_the_client_reads(connect):
    answer = connect().chat.completions.create(model="gpt-any", messages=user(PROMPT))
    assert answer.object == "chat.completion"
    assert answer.model == "gpt-any"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.role == "assistant"
    assert len(answer.choices[0].message.content.split()) == 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens == -(-len(answer.choices[0].message.content) // 4)
    assert answer._request_id.startswith("req_")


def test_the_same_request_gets_the_same_answer_from_another_server(connect):
    texts = [
        connect("--latency-ms", "0", "--seed", seed).chat.completions.create(model="m", messages=user(PROMPT))
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1]


def test_a_stream_spells_the_same_answer_and_reports_usage(connect):
    client = connect()
    whole = client.chat.completions.create(model="m", messages=user(PROMPT))
    chunks = list(
        client.chat.completions.create(
            model="m", messages=user(PROMPT), stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert {c.id for c in chunks} == {whole.id}


def test_the_clients_own_stream_helper_assembles_the_answer(connect):
    client = connect()
    whole = client.chat.completions.create(model="m", messages=user(PROMPT))
    with client.chat.completions.stream(model="m", messages=user(PROMPT)) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == whole.choices[0].message.content


def test_directives_shape_the_answer(connect):
    client = connect()

    def ask(text: str) -> str:
        return client.chat.completions.create(model="m", messages=user(text)).choices[0].message.content

    assert 3 <= int(ask("Rate it [number 3-9]")) <= 9
    assert ask("Choose [one of: yes | no | not sure]") in {"yes", "no", "not sure"}
    assert [line.split(".")[0] for line in ask("Name them [list of 3]").split("\n")] == ["1", "2", "3"]
    assert len(ask("Tell me [number 1-2] more [about 30 words]").split()) == 30


def test_several_choices_differ_and_each_is_cut_at_max_tokens(connect):
    answer = connect().chat.completions.create(model="m", messages=user(PROMPT), n=3, max_tokens=5)
    assert [c.finish_reason for c in answer.choices] == ["length"] * 3
    assert len({c.message.content for c in answer.choices}) == 3
    assert answer.usage.completion_tokens == 15


def test_an_answer_stops_before_a_stop_sequence(connect):
    answer = connect().chat.completions.create(model="m", messages=user("[list of 3]"), stop=["\n"])
    assert answer.choices[0].message.content.startswith("1. ")
    assert "\n" not in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_embeddings_are_the_same_packed_or_listed_alone_or_together(connect):
    # The client asks for base64 by default, and unpacks it only after a validation that wants numbers.
    client = connect(strict=False)
    packed = client.embeddings.create(model="e", input=["a cat sat", "stock prices"])
    listed = client.embeddings.create(model="e", input="a cat sat", encoding_format="float")
    assert len(packed.data[0].embedding) == 1536
    assert packed.data[0].embedding == pytest.approx(listed.data[0].embedding)
    assert sum(x * x for x in packed.data[1].embedding) == pytest.approx(1, abs=1e-4)
    assert len(client.embeddings.create(model="e", input="x", dimensions=64).data[0].embedding) == 64


def test_models_are_listed_and_any_name_can_be_looked_up(connect):
    client = connect()
    assert "sim-small" in [model.id for model in client.models.list()]
    assert client.models.retrieve("anything").id == "anything"


def test_a_missing_message_list_is_a_bad_request_that_names_it(connect):
    with pytest.raises(openai.BadRequestError) as caught:
        connect().chat.completions.create(model="m", messages=[])
    assert caught.value.param == "messages"
    assert caught.value.code == "empty_array"
    assert caught.value.type == "invalid_request_error"


def test_a_wrong_key_is_an_authentication_error(connect):
    with pytest.raises(openai.AuthenticationError) as caught:
        connect("--api-key", "sk-right", key="sk-wrong").models.list()
    assert caught.value.code == "invalid_api_key"
    assert "sk-wrong" not in str(caught.value)


def test_over_the_limit_the_client_is_told_when_to_come_back(connect):
    client = connect("--latency-ms", "0", "--rpm", "1")
    raw = client.chat.completions.with_raw_response.create(model="m", messages=user(PROMPT))
    assert raw.headers["x-ratelimit-limit-requests"] == "1"
    assert raw.headers["x-ratelimit-remaining-requests"] == "0"
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="m", messages=user(PROMPT))
    assert caught.value.code == "rate_limit_exceeded"
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60
    assert 0 < int(caught.value.response.headers["retry-after-ms"]) <= 60_000


def test_the_client_retries_past_a_limit_by_itself(connect):
    client = connect("--latency-ms", "0", "--rpm", "600", "--burst-seconds", "0.1").with_options(
        max_retries=2
    )
    for text in ("one", "two"):
        client.chat.completions.create(model="m", messages=user(text))


def test_an_unknown_path_is_not_found(connect):
    with pytest.raises(openai.NotFoundError):
        connect().get("/nothing", cast_to=object)


@pytest.mark.parametrize(
    ("flag", "error"),
    [
        ("--error-rate", openai.InternalServerError),
        ("--reset-rate", openai.APIConnectionError),
    ],
)
def test_a_fault_reaches_the_client_as_its_own_exception(connect, flag, error):
    with pytest.raises(error):
        connect("--latency-ms", "0", flag, "1").chat.completions.create(model="m", messages=user(PROMPT))


def test_a_black_hole_ends_in_the_clients_timeout(connect):
    client = connect("--latency-ms", "0", "--black-hole-rate", "1").with_options(timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="m", messages=user(PROMPT))


def test_an_error_in_the_middle_of_a_stream_is_raised_after_its_first_chunks(connect):
    client = connect("--latency-ms", "0", "--stream-error-rate", "1")
    stream = client.chat.completions.create(model="m", messages=user(PROMPT), stream=True)
    assert next(stream).choices[0].delta.role == "assistant"
    with pytest.raises(openai.APIError, match="The server had an error"):
        list(stream)


def test_a_response_has_every_field_the_client_reads(connect):
    client = connect()
    response = client.responses.create(model="m", input=PROMPT, instructions="Be brief.")
    assert response.status == "completed"
    assert len(response.output_text.split()) == 12
    assert response.usage.output_tokens == -(-len(response.output_text) // 4)
    cut = client.responses.create(model="m", input="[about 90 words]", max_output_tokens=5)
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_a_streamed_response_spells_the_same_answer(connect):
    client = connect()
    whole = client.responses.create(model="m", input=PROMPT)
    events = list(client.responses.create(model="m", input=PROMPT, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == whole.output_text
    assert events[-1].type == "response.completed"
    assert events[-1].response == whole
    with client.responses.stream(model="m", input=PROMPT) as stream:
        assert stream.get_final_response().output_text == whole.output_text


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("rate_limit", openai.RateLimitError, "rate_limit_exceeded"),
        ("slow_down", openai.RateLimitError, "slow_down"),
        ("quota", openai.RateLimitError, "credit_balance_exhausted"),
        ("spend_limit", openai.RateLimitError, "organization_spend_limit_exceeded"),
        ("overloaded", openai.InternalServerError, "server_is_overloaded"),
    ],
)
def test_a_fault_in_the_prompt_is_raised_once_and_then_the_answer_comes(connect, fault, error, code):
    client = connect()
    with pytest.raises(error) as caught:
        client.chat.completions.create(model="m", messages=user(f"[fault {fault}]"))
    assert caught.value.code == code
    assert client.chat.completions.create(model="m", messages=user(f"[fault {fault}]")).choices


def test_an_answer_that_breaks_off_is_a_connection_error(connect):
    with pytest.raises(openai.APIConnectionError):
        connect().chat.completions.create(model="m", messages=user("[fault truncated]"))


def test_the_clients_own_retries_get_past_faults_in_the_prompt(connect):
    client = connect().with_options(max_retries=2)
    answer = client.chat.completions.create(model="m", messages=user("[one of: yes] [fault rate_limit x2]"))
    assert answer.choices[0].message.content == "yes"
