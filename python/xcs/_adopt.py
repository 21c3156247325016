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
import collections
import copy
import itertools
import os
import sys
import threading
import types
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from xcs import _core
from xcs._errors import UsageError

Client = TypeVar("Client")
Parts = tuple[str, str, list[tuple[str, str]], bytes, "float | None", "float | None"]
Outcome = tuple[int, Any, bytes, "tuple[str, str] | None"]
Event = tuple[int, str, Any]  # as HttpPort.poll answers them

_adopted: weakref.WeakSet[Any] = weakref.WeakSet()
_here = threading.local()  # .captures: requests are taken; .response: the outcome to be found
# What the reactor sees to by itself.
_OWN_HEADERS = {"accept-encoding", "connection", "content-length", "transfer-encoding"}
_KEYS = ("authorization", "x-api-key", "api-key")
_UNDONE_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}


def adopt(client: Client) -> Client:
    """Lets a client's requests run on the reactor: the same methods, types and exceptions, and no thread per call.

    Streams are taken from there as well; uploads go over the client's own connections, as before.

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


def _goes_around(transport: Any, request: Any) -> bool:
    """Whether the original transport has to see the request: it uploads, or a test has put something there."""
    if "multipart" in request.headers.get("content-type", ""):
        return True
    pool: Any = getattr(transport.original, "_pool", None)
    return any(
        not _is_genuine(owner, name)
        for owner in (transport.original, pool)
        for name in ("handle_request", "handle_async_request")
        if hasattr(_type_of(owner), name)
    )


def _is_for_a_stream(body: bytes) -> bool:
    return b'"stream":true' in body.replace(b" ", b"")


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
        if error[0].startswith("llm."):
            return _refusal(library, request, *error)
        raise _exception_of(library, request, error)
    response = library.Response(status, headers=_kept(headers), content=body, request=request)
    if response.has_redirect_location and not _stays(request.url, response.headers["location"]):
        for name in _KEYS:  # the request that follows the redirection is made of this one
            request.headers.pop(name, None)
    return response


def _stays(url: Any, location: str) -> bool:
    there = url.join(location)
    return all(getattr(there, part) == getattr(url, part) for part in ("scheme", "host", "port"))


def _kept(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _UNDONE_HEADERS]


def _refusal(library: Any, request: Any, code: str, message: str) -> Any:
    """What a run's bounds refuse was never sent; the SDK has a class for what a provider refuses for good."""
    body = {"type": "error", "error": {"type": code, "code": code, "message": message}}
    headers = {"x-should-retry": "false"}
    return library.Response(402 if code == "llm.budget" else 400, headers=headers, json=body, request=request)


def _exception_of(library: Any, request: Any, error: tuple[str, str]) -> Exception:
    made: Exception = _exception_class(library, error[0])(error[1], request=request)
    return made


def _exception_class(library: Any, code: str) -> Any:
    if code == "net.connect_timeout":
        return library.ConnectTimeout
    if code.endswith("_timeout"):
        return library.ReadTimeout
    return library.ConnectError if code.startswith("net.connect") else library.ReadError


def _synchronous(library: Any) -> dict[str, Any]:
    class Pieces(library.SyncByteStream):  # type: ignore[misc]
        """A response's body, as it comes."""

        def __init__(self, port: _core.HttpPort, request: Any, came: list[Event]) -> None:
            self._port = port
            self._request = request
            self._came = collections.deque(came)

        def __iter__(self) -> Iterator[bytes]:
            while True:
                while self._came:
                    _, what, value = self._came.popleft()
                    piece = _piece_of(library, self._request, what, value)
                    if piece is None:
                        return
                    yield piece
                self._came.extend(self._port.wait())

        def close(self) -> None:
            self._port.cancel(0)

    def opened(request: Any, parts: Parts) -> Any:
        port = _core.HttpPort(-1)
        port.open(0, parts)
        (_, what, value), *more = port.wait()
        if what == "done":
            return _response_of(library, request, value)
        status, headers = value
        stream = Pieces(port, request, more)
        return library.Response(status, headers=_kept(headers), stream=stream, request=request)

    def handle_request(self: Any, request: Any) -> Any:
        body = request.read()
        if _goes_around(self, request):
            return self.original.handle_request(request)
        outcome = getattr(_here, "response", None)
        if outcome is None:
            parts = _parts_of(request, body)
            if _is_for_a_stream(body):
                return opened(request, parts)
            if getattr(_here, "captures", False):
                raise _Taken(parts, request)
            port = _core.HttpPort(-1)
            port.send(0, parts)
            ((_, _, outcome),) = port.wait()
        _here.response = None  # a second request of the same call is sent
        return _response_of(library, request, outcome)

    def close(self: Any) -> None:
        self.original.close()

    return {"handle_request": handle_request, "close": close}


def _piece_of(library: Any, request: Any, what: str, value: Any) -> bytes | None:
    """What an event brings of a body; None at the end, and an exception where that is one."""
    if what == "piece":
        piece: bytes = value
        return piece
    if value[3] is not None:
        raise _exception_of(library, request, value[3])
    return None


class _LoopPort:
    """The requests of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._port = _core.HttpPort(self._descriptor)
        self._events: dict[int, asyncio.Queue[tuple[str, Any]]] = {}
        self._next = itertools.count()
        self._loop = loop

    def start(self, parts: Parts, *, streams: bool) -> int:
        """Sends the request; the number under which to ask for what comes of it, and to end it."""
        if not self._events:  # the loop watches the descriptor only as long as something is under way
            self._loop.add_reader(self._descriptor, self._deliver)
        number = next(self._next)
        self._events[number] = asyncio.Queue()
        (self._port.open if streams else self._port.send)(number, parts)
        return number

    async def event(self, number: int) -> tuple[str, Any]:
        return await self._events[number].get()

    def end(self, number: int) -> None:
        self._port.cancel(number)
        if self._events.pop(number, None) is not None and not self._events and not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)

    def _deliver(self) -> None:
        os.eventfd_read(self._descriptor)
        for number, what, value in self._port.poll():
            if number in self._events:
                self._events[number].put_nowait((what, value))

    def __del__(self) -> None:
        os.close(self._descriptor)


_ports: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopPort] = weakref.WeakKeyDictionary()


def _asynchronous(library: Any) -> dict[str, Any]:
    class Pieces(library.AsyncByteStream):  # type: ignore[misc]
        """A response's body, as it comes."""

        def __init__(self, port: _LoopPort, number: int, request: Any) -> None:
            self._port = port
            self._number = number
            self._request = request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                what, value = await self._port.event(self._number)
                piece = _piece_of(library, self._request, what, value)
                if piece is None:
                    return
                yield piece

        async def aclose(self) -> None:
            self._port.end(self._number)

        def __del__(self) -> None:
            self._port.end(self._number)

    async def handle_async_request(self: Any, request: Any) -> Any:
        body = await request.aread()
        if _goes_around(self, request):
            return await self.original.handle_async_request(request)
        loop = asyncio.get_running_loop()
        port = _ports.get(loop)
        if port is None:
            port = _ports[loop] = _LoopPort(loop)
        number = port.start(_parts_of(request, body), streams=_is_for_a_stream(body))
        stream = None
        try:
            what, value = await port.event(number)
            if what == "done":
                return _response_of(library, request, value)
            status, headers = value
            stream = Pieces(port, number, request)
            return library.Response(status, headers=_kept(headers), stream=stream, request=request)
        finally:
            if stream is None:
                port.end(number)

    async def aclose(self: Any) -> None:
        await self.original.aclose()

    return {"handle_async_request": handle_async_request, "aclose": aclose}
