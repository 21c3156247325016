"""`xcs.adopt`: clients of openai and anthropic whose requests run on the reactor.

Note [adoption]
The SDK keeps its work: it makes the request, reads the response, and raises its own exceptions. Only its transport is
replaced. Under `xcs.jit` a call waits for nothing: the SDK's method runs until it would send its request, which is
taken from there; when the response has come, the method runs once more and finds it as if it had just arrived. In
between there is no thread. Retries in between are the reactor's, as many as the client is set to. Requests for
answers of models pass the limits of their provider on the way, as those of `xcs.llm` do.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from xcs import _core
from xcs._errors import UsageError

Client = TypeVar("Client")
Parts = tuple[str, str, list[tuple[str, str]], bytes, "float | None", "float | None"]
Outcome = tuple[int, Any, bytes, "tuple[str, str] | None"]

_adopted: weakref.WeakSet[Any] = weakref.WeakSet()
_here = threading.local()  # .captures: requests are taken; .response: the outcome to be found
# What the reactor sees to by itself.
_OWN_HEADERS = {"accept-encoding", "connection", "content-length", "transfer-encoding"}
_UNDONE_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}


def adopt(client: Client) -> Client:
    """Lets a client's requests run on the reactor: the same methods, types and exceptions, and no thread per call.

    Requests for streams go over the client's own connections, as before.

    Args:
        client: An `openai.OpenAI`, `openai.AsyncOpenAI`, `anthropic.Anthropic` or `anthropic.AsyncAnthropic`.

    Returns:
        The client itself.

    Raises:
        UsageError: It is another object, or one that has been given an `http_client` of its own, which would no longer
            be used.

    Example:
        >>> client = xcs.adopt(openai.OpenAI())
    """
    sdk = type(client).__module__.partition(".")[0]
    http = getattr(client, "_client", None)
    if sdk not in ("openai", "anthropic") or http is None:
        raise UsageError(
            f"{type(client).__qualname__} is not a client of openai or anthropic that can be adopted"
        )
    if client in _adopted:
        return client
    if type(http).__name__ not in ("SyncHttpxClientWrapper", "AsyncHttpxClientWrapper") or http._mounts:
        raise UsageError(
            f"this {type(client).__name__} has an HTTP client of its own, which adoption would go around; "
            "use it as it is, or make it without http_client and without proxies"
        )
    library = sys.modules[type(http._transport).__module__.partition(".")[0]]
    asynchronous = type(http).__name__.startswith("Async")
    base = library.AsyncBaseTransport if asynchronous else library.BaseTransport
    methods = _asynchronous(library) if asynchronous else _synchronous(library)
    transport = type("ReactorTransport", (base,), methods)()
    transport.original = http._transport
    http._transport = transport
    _adopted.add(client)
    _core.set_adopts()
    return client


def is_adopted(receiver: Any) -> bool:
    """Whether the object is a part of an adopted client that is not asynchronous."""
    client = getattr(receiver, "_client", None)
    return client is not None and client in _adopted and not asyncio.iscoroutinefunction(client.request)


class _Taken(BaseException):
    """Carries a request out of the SDK, which handles exceptions only."""

    def __init__(self, parts: Parts, request: Any) -> None:
        super().__init__()
        self.parts = parts
        self.request = request


def begin(
    callee: Callable[..., Any], positional: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[Any, ...]:
    """Runs the method up to its request.

    Returns:
        The request, what to call with its outcome, and how often it may be repeated; or None and how it ended.
    """
    receiver, *rest = positional
    client = receiver._client
    quiet = copy.copy(client)  # its retries have been made when it runs again
    quiet.max_retries = 0
    again = type(receiver)(quiet)
    _here.captures = True
    try:
        ended = _ended(callee, again, *rest, **keywords)
    except _Taken as taken:

        def replay(outcome: Outcome) -> tuple[bool, Any]:
            return _replay(outcome, callee, again, *rest, **keywords)

        return (taken.parts, replay, client.max_retries)
    finally:
        _here.captures = False
    return (None, ended)


def _replay(
    outcome: Outcome, callee: Callable[..., Any], *arguments: Any, **keywords: Any
) -> tuple[bool, Any]:
    _here.response = outcome
    try:
        return _ended(callee, *arguments, **keywords)
    finally:
        _here.response = None


def _ended(callee: Callable[..., Any], *arguments: Any, **keywords: Any) -> tuple[bool, Any]:
    """Whether the call raised, and what it raised or returned."""
    try:
        return (False, callee(*arguments, **keywords))
    except Exception as error:  # noqa: BLE001 - it is raised where the call was made
        return (True, error)


def _parts_of(request: Any, body: bytes) -> Parts:
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS]
    timeout: dict[str, Any] = request.extensions.get("timeout") or {}
    return (request.method, str(request.url), headers, body, timeout.get("connect"), timeout.get("read"))


def _goes_around(transport: Any, request: Any, body: bytes) -> bool:
    """Whether the original transport has to see the request: it is for a stream, or a test has put something there."""
    if b'"stream":true' in body.replace(b" ", b"") or "multipart" in request.headers.get("content-type", ""):
        return True
    pool: Any = getattr(transport.original, "_pool", None)
    return any(
        not _is_genuine(owner, name)
        for owner in (transport.original, pool)
        for name in ("handle_request", "handle_async_request")
        if hasattr(_type_of(owner), name)
    )


def _type_of(value: object) -> type:
    return type(value)


def _is_genuine(owner: Any, name: str) -> bool:
    function = getattr(owner, name)
    function = getattr(function, "__func__", None)
    home = type(owner).__module__.partition(".")[0]
    return (
        isinstance(function, types.FunctionType)
        and function.__globals__["__name__"].partition(".")[0] == home
    )


def _response_of(library: Any, request: Any, outcome: Outcome) -> Any:
    status, headers, body, error = outcome
    if error is not None:
        raise _exception_class(library, error[0])(error[1], request=request)
    kept = [(name, value) for name, value in headers if name.lower() not in _UNDONE_HEADERS]
    return library.Response(status, headers=kept, content=body, request=request)


def _exception_class(library: Any, code: str) -> Any:
    if code == "net.connect_timeout":
        return library.ConnectTimeout
    if code.endswith("_timeout"):
        return library.ReadTimeout
    return library.ConnectError if code.startswith("net.connect") else library.ReadError


def _synchronous(library: Any) -> dict[str, Any]:
    def handle_request(self: Any, request: Any) -> Any:
        body = request.read()
        if _goes_around(self, request, body):
            return self.original.handle_request(request)
        outcome = getattr(_here, "response", None)
        if outcome is None:
            parts = _parts_of(request, body)
            if getattr(_here, "captures", False):
                raise _Taken(parts, request)
            port = _core.HttpPort(-1)
            port.send(0, parts)
            ((_, outcome),) = port.wait()
        _here.response = None  # a second request of the same call is sent
        return _response_of(library, request, outcome)

    def close(self: Any) -> None:
        self.original.close()

    return {"handle_request": handle_request, "close": close}


class _LoopPort:
    """The requests of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._port = _core.HttpPort(self._descriptor)
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._next = itertools.count()
        self._loop = loop

    async def send(self, parts: Parts) -> Outcome:
        if not self._waiting:  # the loop watches the descriptor only as long as something is under way
            self._loop.add_reader(self._descriptor, self._deliver)
        number = next(self._next)
        waiting = self._waiting[number] = self._loop.create_future()
        try:
            self._port.send(number, parts)
            outcome: Outcome = await waiting
            return outcome
        finally:
            self._port.cancel(number)
            self._waiting.pop(number, None)
            if not self._waiting:
                self._loop.remove_reader(self._descriptor)

    def _deliver(self) -> None:
        os.eventfd_read(self._descriptor)
        for number, outcome in self._port.poll():
            waiting = self._waiting.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome)

    def __del__(self) -> None:
        os.close(self._descriptor)


_ports: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopPort] = weakref.WeakKeyDictionary()


def _asynchronous(library: Any) -> dict[str, Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        body = await request.aread()
        if _goes_around(self, request, body):
            return await self.original.handle_async_request(request)
        loop = asyncio.get_running_loop()
        port = _ports.get(loop)
        if port is None:
            port = _ports[loop] = _LoopPort(loop)
        return _response_of(library, request, await port.send(_parts_of(request, body)))

    async def aclose(self: Any) -> None:
        await self.original.aclose()

    return {"handle_async_request": handle_async_request, "aclose": aclose}
