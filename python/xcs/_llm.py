"""`xcs.llm`: model calls that need no client, no thread and no `await`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, TypeVar, cast, overload

from xcs import _core
from xcs._errors import LLMAnswerError
from xcs._narrowing import is_dict

Messages = Sequence[Mapping[str, Any]]
Provider = Literal["openai", "responses", "anthropic"]
Tool = Callable[..., Any] | Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class LLMUsage:
    """What an answer took; zero where the provider does not say."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True)
class ToolCall:
    """What a model wants to be called."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class LLMAnswer:
    """A model's whole answer.

    Attributes:
        text: What `llm` returns without `full`.
        model: The model that answered, as the provider names it.
        finish_reason: The provider's own word: `"stop"`, `"end_turn"`, `"length"`, …
        usage: Tokens.
        request_id: The provider's name for the request; may be empty.
        raw: The response's body; empty after streaming.
        tool_calls: What the model wants to be called.
        attempts: How many requests it took.
        parsed: What `llm` returns with `response_format`; None without.
    """

    text: str
    model: str
    finish_reason: str
    usage: LLMUsage
    request_id: str
    raw: dict[str, Any]
    tool_calls: list[ToolCall] = field(default_factory=list)
    attempts: int = 1
    parsed: Any = None


class Stream:
    """The text of an answer, piece by piece as the model produces it.

    Iterating ends when the answer is complete, and raises what the call failed with. Leaving a `with` block over it
    ends the request.
    """

    def __init__(self, pieces: Any) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        return cast("Iterator[str]", self._pieces)  # spares a call of Python code for each piece

    def __next__(self) -> str:
        return cast("str", next(self._pieces))

    @property
    def answer(self) -> LLMAnswer | None:
        """The whole answer, once all pieces have been read."""
        return cast("LLMAnswer | None", self._pieces.answer)

    def close(self) -> None:
        """Ends the request, wherever it is."""
        self._pieces.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@overload
def llm(
    prompt_or_messages: str | Messages,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    system: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    provider: Provider | None = None,
    api_version: str | None = None,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    reasoning_effort: str | None = None,
    response_format: Mapping[str, Any] | None = None,
    full: Literal[False] = False,
    stream: Literal[False] = False,
    **extra: Any,
) -> str: ...
@overload
def llm(
    prompt_or_messages: str | Messages,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    system: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    provider: Provider | None = None,
    api_version: str | None = None,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    reasoning_effort: str | None = None,
    response_format: type[T],
    full: Literal[False] = False,
    stream: Literal[False] = False,
    **extra: Any,
) -> T: ...
@overload
def llm(
    prompt_or_messages: str | Messages,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    system: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    provider: Provider | None = None,
    api_version: str | None = None,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    reasoning_effort: str | None = None,
    response_format: Mapping[str, Any] | type[Any] | None = None,
    full: Literal[True],
    stream: Literal[False] = False,
    **extra: Any,
) -> LLMAnswer: ...
@overload
def llm(
    prompt_or_messages: str | Messages,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    system: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    provider: Provider | None = None,
    api_version: str | None = None,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    reasoning_effort: str | None = None,
    response_format: Mapping[str, Any] | None = None,
    full: bool = False,
    stream: Literal[True],
    **extra: Any,
) -> Stream: ...
def llm(
    prompt_or_messages: str | Messages,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    system: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    provider: Provider | None = None,
    api_version: str | None = None,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | None = None,
    reasoning_effort: str | None = None,
    response_format: Any = None,
    full: bool = False,
    stream: bool = False,
    **extra: Any,
) -> Any:
    """Asks a model, over an API like OpenAI's chat completions or Anthropic's messages.

    Inside a function under `xcs.jit` such calls are independent of each other and overlap; elsewhere the call waits
    for its answer.

    Args:
        prompt_or_messages: The user's prompt, or a list of dicts with `"role"` and `"content"`: text, or a list of
            texts, images as bytes, `{"type": "image", "url": ...}`, and whatever the provider understands. An answer's
            `tool_calls` go back as `"tool_calls"` of a message of the assistant, each followed by a message of the role
            `"tool"` with `"tool_call_id"` and `"content"`.
        model: Any name that the server knows.
        base_url: The server; without a path, an OpenAI-compatible one is asked under `/v1`. When missing:
            `OPENAI_BASE_URL` or `ANTHROPIC_BASE_URL`, else the provider's public address.
        api_key: When missing: `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`. Servers other than the provider's own may do
            without one.
        system: The system prompt.
        max_tokens: The most tokens to answer with; when missing, left to OpenAI, 4096 for Anthropic.
        temperature: Not sent when missing.
        timeout: Seconds that one attempt may take (600).
        max_retries: How often a request that failed for a reason that passes is sent again (2).
        provider: `"openai"` (chat completions), `"responses"` (OpenAI's newer format) or `"anthropic"`: which format to
            speak. When missing: Anthropic for models named `claude…` and addresses of anthropic.com, else OpenAI.
        api_version: The date that names a version of Anthropic's API; `2023-06-01` when missing. From `2026-10-21` on,
            the key is sent as a bearer token, and there are no sampling parameters.
        tools: What the model may ask for in `LLMAnswer.tool_calls`: functions, described by signature and docstring, or
            dicts with `"name"`, `"description"` and `"parameters"`, a JSON schema.
        tool_choice: `"auto"`, `"none"`, `"required"` or the name of a tool.
        reasoning_effort: The provider's own word, such as `"low"`.
        response_format: A pydantic model or a dataclass: the answer has its schema and is returned as an object of it.
            A dict goes into the request's body as it is.
        full: Whether to return an `LLMAnswer` instead of its text.
        stream: Whether to return the text as a `Stream` of pieces. Under `xcs.jit`, such a call waits for its turn.
        **extra: Further fields of the request's body.

    Raises:
        UsageError: The request cannot be sent: no key, or an argument of no use.
        LLMError: The call failed; the subclass and `code` say how. An answer that is not of `response_format` is an
            `LLMAnswerError`.

    Example:
        >>> import xcs
        >>> with xcs.Simulator(latency_ms=0) as sim:
        ...     xcs.llm("Pick. [one of: yes]", model="any", base_url=sim.base_url, api_key="any")
        'yes'
    """
    make = _core.ModelStream if stream else _core.call_model
    made = make(
        prompt_or_messages,
        model=model,
        base_url=base_url,
        api_key=api_key,
        system=system,
        max_tokens=max_tokens,
        temperature=temperature,
        timeout=timeout,
        max_retries=max_retries,
        provider=provider,
        api_version=api_version,
        tools=tools,
        tool_choice=tool_choice,
        reasoning_effort=reasoning_effort,
        response_format=response_format,
        full=full,
        **extra,
    )
    return Stream(made) if stream else made


_core.set_contract(llm, {"effect": "independent", "returns": "data", "run": "native"}, keep_alive=True)


def embed(
    text: str,
    *,
    model: str,
    base_url: str | None = None,
    api_key: str | None = None,
    dimensions: int | None = None,
    timeout: float | None = None,
    max_retries: int | None = None,
    **extra: Any,
) -> list[float]:
    """The vector of a text, over an API like OpenAI's embeddings.

    Inside a function under `xcs.jit`, calls that wait together are sent as one request.

    Args:
        text: What to embed.
        model: Any name that the server knows.
        base_url: As for `llm`.
        api_key: As for `llm`.
        dimensions: The vector's length, where the model lets one choose.
        timeout: Seconds that one attempt may take (600).
        max_retries: How often a request that failed for a reason that passes is sent again (2).
        **extra: Further fields of the request's body.

    Raises:
        UsageError: The request cannot be sent.
        LLMError: The call failed.

    Example:
        >>> import xcs
        >>> with xcs.Simulator(latency_ms=0) as sim:
        ...     len(xcs.embed("hello", model="any", base_url=sim.base_url, api_key="any", dimensions=8))
        8
    """
    return cast(
        "list[float]",
        _core.embed_text(
            text,
            model=model,
            base_url=base_url,
            api_key=api_key,
            dimensions=dimensions,
            timeout=timeout,
            max_retries=max_retries,
            **extra,
        ),
    )


_core.set_contract(embed, {"effect": "independent", "returns": "data", "run": "embed"}, keep_alive=True)


def answer_of(
    text: str,
    model: str,
    finish_reason: str,
    usage: tuple[int, int, int, int],
    request_id: str,
    raw: str,
    tool_calls: list[tuple[str, str, str]],
    attempts: int,
) -> LLMAnswer:
    """The answer object for what the compiled part received."""
    calls = [ToolCall(id, name, _arguments(name, given)) for id, name, given in tool_calls]
    return LLMAnswer(
        text, model, finish_reason, LLMUsage(*usage), request_id, json.loads(raw or "{}"), calls, attempts
    )


def _arguments(name: str, given: str) -> dict[str, Any]:
    try:
        arguments: Any = json.loads(given or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not is_dict(arguments):
        raise LLMAnswerError(
            f"the model calls {name} with arguments that are no JSON object: {given[:200]!r}"
        )
    return arguments
