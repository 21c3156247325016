"""Records the answers of independent calls and gives them again, whichever way their functions are called."""

from __future__ import annotations

import collections
import contextlib
import inspect
import random
import sys
import threading
import time
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from xcs import _core
from xcs._check_state import described
from xcs._contracts import functions_with

# Longest time in seconds that a repeated answer is held back, so that calls end in another order than they began.
_LONGEST_DELAY = 0.002

Key = tuple[str, Any]


@dataclass
class Answer:
    """What a call returned or raised, and the line that made it."""

    value: Any
    raised: bool
    where: str
    chain: tuple[Any, ...] = ()  # traceback, cause and context of what was raised

    def give(self) -> Any:
        if not self.raised:
            return self.value
        self.value.__traceback__, self.value.__cause__, self.value.__context__ = self.chain
        raise self.value


@dataclass
class Calls:
    """The independent calls of one sequential run, by callee and arguments, in program order.

    Attributes:
        made: How often each was made since the last `start`.
        broken: Contracts that were seen not to hold, in the order in which they were.
    """

    watch: Callable[[], Any]
    answers: dict[Key, list[Answer]] = field(default_factory=dict)
    made: collections.Counter[Key] = field(default_factory=collections.Counter)
    broken: list[str] = field(default_factory=list)
    recording: bool = True
    delays: random.Random | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, seed: int | None) -> None:
        """From here on, calls are answered from what was recorded, after delays drawn from the seed."""
        self.recording, self.made = False, collections.Counter()
        self.delays = None if seed is None else random.Random(seed)

    def independent(self, real: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        key = (real.__qualname__, described((args, keywords)))
        if self.recording:
            return self._record(key, real, args, keywords)
        with self.lock:
            ordinal = self.made[key]
            self.made[key] += 1
            delay = self.delays.random() * _LONGEST_DELAY if self.delays else 0.0
            known = self.answers.get(key, ())
        time.sleep(delay)
        if ordinal >= len(known):  # a call that the sequential run did not make: compared afterwards
            return real(*args, **keywords)
        return known[ordinal].give()

    def pure(self, real: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if not self.recording:
            return real(*args, **keywords)
        answer = self._guarded(real, "pure", args, keywords)
        if described(real(*args, **keywords)) != described(answer):
            self._break(real, "pure", "gives another answer for the same arguments")
        return answer

    def _record(self, key: Key, real: Callable[..., Any], args: Any, keywords: Any) -> Any:
        # Below this: independent(), call(), and the function itself.
        frame = sys._getframe(4)  # pyright: ignore[reportPrivateUsage] - there is no public name for it
        answer = Answer(None, False, f"{frame.f_code.co_filename}:{frame.f_lineno}")
        self.answers.setdefault(key, []).append(answer)
        self.made[key] += 1
        try:
            answer.value = self._guarded(real, "independent", args, keywords)
        except BaseException as error:
            answer.value, answer.raised = error, True
            answer.chain = (None, error.__cause__, error.__context__)
            raise
        return answer.value

    def _guarded(self, real: Callable[..., Any], effect: str, args: Any, keywords: Any) -> Any:
        given, around = described((args, keywords)), self.watch()
        try:
            return real(*args, **keywords)
        finally:
            if described((args, keywords)) != given:
                self._break(real, effect, "changes its arguments")
            elif (now := self.watch()) != around:
                changed = next(place for place in now if now[place] != around.get(place))
                self._break(real, effect, f"changes {changed}, which the program sees")

    def _break(self, real: Callable[..., Any], effect: str, what: str) -> None:
        message = f"{real.__qualname__} is declared {effect}, but {what}"
        if message not in self.broken:
            self.broken.append(message)

    @contextlib.contextmanager
    def in_place(self) -> Generator[None, None, None]:
        """While it lasts, calls of declared functions come here, by whatever name or thread they are called."""
        replaced: list[tuple[types.FunctionType, types.CodeType, dict[str, Any] | None]] = []
        try:
            for effect, handle in (("independent", self.independent), ("pure", self.pure)):
                for function in functions_with(effect):
                    if _is_plain(function):
                        replaced.append((function, function.__code__, _contract_for_python(function)))
                        _redirect(function, handle)
            yield
        finally:
            for function, code, contract in replaced:
                function.__code__ = code
                if contract is not None:
                    _core.set_contract(function, contract, keep_alive=False)


def _is_plain(function: types.FunctionType) -> bool:
    return not (inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function))


def _contract_for_python(function: types.FunctionType) -> dict[str, Any] | None:
    """Takes back that calls of the function are made without running its code; the contract before that, if any."""
    contract: dict[str, Any] | None = _core.contract_of(function)
    if contract is None or contract.get("run") != "native":
        return None
    _core.set_contract(function, {**contract, "run": "thread"}, keep_alive=False)
    return contract


def _redirect(function: types.FunctionType, handle: Callable[..., Any]) -> None:
    """Gives the function, which stays the same object, code that hands its calls to `handle`."""
    real = types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    real.__kwdefaults__ = function.__kwdefaults__
    real.__qualname__ = function.__qualname__
    free = "".join(f"    {name} = None\n" for name in function.__code__.co_freevars)
    uses = ", ".join(function.__code__.co_freevars)
    body = f"        ({uses},)\n" if uses else ""
    source = (
        f"def outer():\n{free}    def call(*_xcs_args, **_xcs_keywords):\n{body}"
        "        _xcs_handle = 'handle'\n        return _xcs_handle(_xcs_args, _xcs_keywords)\n"
    )
    outer = next(c for c in compile(source, "<xcs check>", "exec").co_consts if isinstance(c, types.CodeType))
    code = next(c for c in outer.co_consts if isinstance(c, types.CodeType))

    def call(args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return handle(real, args, keywords)

    constants = tuple(call if constant == "handle" else constant for constant in code.co_consts)
    function.__code__ = code.replace(
        co_consts=constants, co_name=function.__name__, co_filename=function.__code__.co_filename
    )
