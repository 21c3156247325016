"""The exceptions of the package."""

from __future__ import annotations


class XcsError(Exception):
    """What the package itself raises; exceptions of the user's code are never wrapped in it."""


class UsageError(XcsError, TypeError):
    """The package was asked for something that cannot work."""


class LLMError(XcsError):
    """A model call failed. It can be pickled, and its message never holds the key.

    Attributes:
        code: A stable word made for programs, such as `"net.connect"` or `"llm.rate_limit"`.
        status: The HTTP status, if a server answered.
        reason: The provider's own word for it, such as `"rate_limit_exceeded"`; may be empty.
        retryable: Whether the same request may succeed when it is sent again.
        request_id: The provider's name for the request; may be empty.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        reason: str = "",
        retryable: bool = False,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.reason = reason
        self.retryable = retryable
        self.request_id = request_id


class LLMConnectionError(LLMError, ConnectionError):
    """The server cannot be reached, or the connection broke."""


class LLMTimeoutError(LLMError, TimeoutError):
    """The answer did not come in time."""


class LLMAuthenticationError(LLMError):
    """The server does not accept the key, or the key does not permit the request."""


class LLMRateLimitError(LLMError):
    """The server limits the rate of requests, or is overloaded."""


class LLMBillingError(LLMError):
    """The account has nothing left to spend, or a budget of this package does not allow the call."""


class LLMAnswerError(LLMError):
    """The server's answer is not one that the API knows."""


class StorageError(XcsError, OSError):
    """A journal or a cache could not be read or written. Its `code` is a stable word, such as `"store.sqlite"`."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


_CLASSES: dict[str, type[LLMError]] = {
    "llm.billing": LLMBillingError,
    "llm.budget": LLMBillingError,
    "llm.authentication": LLMAuthenticationError,
    "llm.permission": LLMAuthenticationError,
    "llm.malformed": LLMAnswerError,
    "llm.truncated": LLMAnswerError,
    "llm.overloaded": LLMRateLimitError,
    "llm.rate_limit": LLMRateLimitError,
    "llm.timeout": LLMTimeoutError,
    "net.connect_timeout": LLMTimeoutError,
    "net.first_byte_timeout": LLMTimeoutError,
    "net.idle_timeout": LLMTimeoutError,
    "net.total_timeout": LLMTimeoutError,
}

_ADVICE: dict[type[LLMError], str] = {
    LLMAnswerError: "check that base_url is the address of a chat API, or call it again",
    LLMRateLimitError: "lower max_in_flight, or raise max_retries",
    LLMTimeoutError: "raise timeout, or call it again",
}


def llm_error(
    kind: str, code: str, message: str, status: int | None, reason: str, request_id: str
) -> XcsError:
    """The exception for an error of the compiled part."""
    if kind == "usage" and status is None and code != "llm.budget":
        return UsageError(message)
    of_transport = LLMConnectionError if code.startswith("net.") else LLMError
    made = _CLASSES.get(code, of_transport)
    if made in _ADVICE:
        message = f"{message}; {_ADVICE[made]}"
    return made(
        message, code=code, status=status, reason=reason, retryable=kind == "transient", request_id=request_id
    )


def store_error(kind: str, code: str, message: str) -> XcsError:
    """The exception for an error of a journal or a cache."""
    return UsageError(message) if kind == "usage" else StorageError(message, code=code)


def without_this_frame(error: BaseException) -> BaseException:
    """The exception that the caller has just caught, without the caller's own line in its traceback."""
    here = error.__traceback__
    return error.with_traceback(here and here.tb_next)
