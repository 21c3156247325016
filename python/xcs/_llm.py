"""`xcs.llm`: model calls that need no client, no thread and no `await`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, overload

from xcs import _core

Messages = Sequence[Mapping[str, Any]]
Provider = Literal["openai", "anthropic"]


@dataclass(frozen=True)
class LLMUsage:
    """What an answer took; zero where the provider does not say."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True)
class LLMAnswer:
    """A model's whole answer.

    Attributes:
        text: What `llm` returns without `full`.
        model: The model that answered, as the provider names it.
        finish_reason: The provider's own word: `"stop"`, `"end_turn"`, `"length"`, …
        usage: Tokens.
        request_id: The provider's name for the request; may be empty.
        raw: The response's body.
    """

    text: str
    model: str
    finish_reason: str
    usage: LLMUsage
    request_id: str
    raw: dict[str, Any]


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
    full: Literal[False] = False,
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
    full: Literal[True],
    **extra: Any,
) -> LLMAnswer: ...
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
    full: bool = False,
    **extra: Any,
) -> str | LLMAnswer:
    """Asks a model, over an API like OpenAI's chat completions or Anthropic's messages.

    Inside a function under `xcs.jit` such calls are independent of each other and overlap; elsewhere the call waits
    for its answer.

    Args:
        prompt_or_messages: The user's prompt, or a list of dicts with `"role"` and `"content"`.
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
        provider: `"openai"` or `"anthropic"`, whose format to speak. When missing: Anthropic for models named
            `claude…` and addresses of anthropic.com, else OpenAI.
        full: Whether to return an `LLMAnswer` instead of its text.
        **extra: Further fields of the request's body.

    Raises:
        UsageError: The request cannot be sent: no key, or an argument of no use.
        LLMError: The call failed; the subclass and `code` say how.

    Example:
        >>> import xcs
        >>> with xcs.Simulator(latency_ms=0) as sim:
        ...     xcs.llm("Pick. [one of: yes]", model="any", base_url=sim.base_url, api_key="any")
        'yes'
    """
    return cast(
        "str | LLMAnswer",
        _core.call_model(
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
            full=full,
            **extra,
        ),
    )


_core.set_contract(llm, {"effect": "independent", "returns": "data", "run": "native"}, keep_alive=True)


def answer_of(
    text: str, model: str, finish_reason: str, usage: tuple[int, int, int, int], request_id: str, raw: str
) -> LLMAnswer:
    """The answer object for what the compiled part received."""
    return LLMAnswer(text, model, finish_reason, LLMUsage(*usage), request_id, json.loads(raw))
