"""The official Anthropic client accepts what the simulator answers, with its own validation switched on."""

from collections.abc import Callable, Iterator

import anthropic
import httpx
import pytest

PROMPT = "Summarise the moon landing."
OLD_VERSION = {"anthropic-version": "2023-06-01"}
NEW_VERSION = {"anthropic-version": "2026-10-21"}


@pytest.fixture
def connect(serve: Callable[..., str]) -> Iterator[Callable[..., anthropic.Anthropic]]:
    clients: list[anthropic.Anthropic] = []

    def connect(*flags: str, key: str = "sk-ant-test") -> anthropic.Anthropic:
        clients.append(
            anthropic.Anthropic(
                base_url=serve(*(flags or ("--latency-ms", "0"))),
                api_key=key,
                max_retries=0,
                _strict_response_validation=True,
            )
        )
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def request(text: str = PROMPT, **more: object) -> dict[str, object]:
    return {"model": "m", "max_tokens": 500, "messages": [{"role": "user", "content": text}], **more}


def test_a_message_has_every_field_the_client_reads(connect):
    message = connect().messages.create(**request())
    assert message.type == "message"
    assert message.role == "assistant"
    assert message.stop_reason == "end_turn"
    assert len(message.content[0].text.split()) == 12
    assert message.usage.output_tokens == -(-len(message.content[0].text) // 4)
    assert message.usage.input_tokens > 0
    assert message._request_id.startswith("req_")


def test_a_stream_spells_the_same_message(connect):
    client = connect()
    whole = client.messages.create(**request())
    with client.messages.stream(**request()) as stream:
        assert "".join(stream.text_stream) == whole.content[0].text
        final = stream.get_final_message()
    assert final.content[0].text == whole.content[0].text
    assert final.stop_reason == whole.stop_reason
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.usage.input_tokens == whole.usage.input_tokens


def test_stream_events_come_in_the_documented_order(connect):
    events = [event.type for event in connect().messages.create(**request("[number 1-9]"), stream=True)]
    assert events == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_both_ways_to_present_a_key_are_accepted(serve):
    url = serve("--latency-ms", "0", "--api-key", "right")
    for header in ({"x-api-key": "right"}, {"authorization": "Bearer right"}):
        reply = httpx.post(url + "/v1/messages", json=request(), headers={**OLD_VERSION, **header})
        assert reply.status_code == 200, reply.text


def test_a_wrong_key_is_an_authentication_error(connect):
    with pytest.raises(anthropic.AuthenticationError) as caught:
        connect("--latency-ms", "0", "--api-key", "right", key="wrong").messages.create(**request())
    assert caught.value.type == "authentication_error"


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_the_newest_version_refuses_sampling_parameters_and_the_old_one_takes_them(connect, name):
    client = connect()
    with pytest.raises(anthropic.BadRequestError, match=name):
        client.messages.create(**request(), extra_body={name: 1}, extra_headers=NEW_VERSION)
    client.messages.create(**request(), extra_body={name: 1}, extra_headers=OLD_VERSION)


def test_an_unknown_version_is_a_bad_request(connect):
    with pytest.raises(anthropic.BadRequestError, match="anthropic-version"):
        connect().messages.create(**request(), extra_headers={"anthropic-version": "1999-01-01"})


def test_a_missing_field_is_named(connect):
    with pytest.raises(anthropic.BadRequestError, match="max_tokens: Field required"):
        connect().post("/v1/messages", body={"model": "m", "messages": []}, cast_to=object)


def test_a_message_is_cut_at_max_tokens(connect):
    message = connect().messages.create(**request("[about 90 words]", max_tokens=7))
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 7


def test_a_message_stops_before_a_stop_sequence(connect):
    message = connect().messages.create(**request("[list of 3]", stop_sequences=["2."]))
    assert message.stop_reason == "stop_sequence"
    assert message.stop_sequence == "2."
    assert message.content[0].text.startswith("1. ")
    assert "2." not in message.content[0].text


def test_over_the_limit_the_client_is_told_when_to_come_back(connect):
    client = connect("--latency-ms", "0", "--rpm", "1", "--tpm", "100000")
    raw = client.messages.with_raw_response.create(**request())
    assert raw.headers["anthropic-ratelimit-requests-limit"] == "1"
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert raw.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert raw.headers["anthropic-ratelimit-input-tokens-remaining"] == "100000"
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(**request())
    assert caught.value.type == "rate_limit_error"
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 60


def test_an_overloaded_server_is_told_apart_from_a_broken_one(connect):
    client = connect("--latency-ms", "0", "--error-rate", "1")
    statuses = set()
    for number in range(20):
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(**request(str(number)))
        statuses.add((caught.value.status_code, caught.value.type))
    assert statuses == {(500, "api_error"), (529, "overloaded_error")}


def test_an_error_in_the_middle_of_a_stream_is_raised_after_its_first_events(connect):
    stream = connect("--latency-ms", "0", "--stream-error-rate", "1").messages.create(
        **request(), stream=True
    )
    assert next(iter(stream)).type == "message_start"
    with pytest.raises(anthropic.APIStatusError, match="Internal server error"):
        list(stream)


def test_models_are_listed_in_the_providers_shape(connect):
    assert "sim-large" in [model.id for model in connect().models.list()]
