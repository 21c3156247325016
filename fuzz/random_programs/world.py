"""What random programs call: independent callables, effects in order, and a record of both."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import shutil
import tempfile
import threading
import zlib
from collections import Counter
from typing import Any

import xcs

from random_programs.canonical import canonical, is_plain

# An attribute of the exceptions that independent calls raise.
MARK = "raised by the world"


class OverBudget(BaseException):
    """The program makes more calls than a check is worth."""


class ToolError(Exception):
    """What independent callables raise."""


_FOLDER = tempfile.mkdtemp(prefix="random_programs.")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def path(name: str) -> str:
    """That of a file of the run."""
    return os.path.join(_FOLDER, name)


class World:
    """The outside of one run."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset(0, 0)

    def reset(self, salt: int, failing: int, most: int = 600) -> None:
        """Begins a run in which answers depend on `salt` and one risky call in `failing` fails (0: none).

        A run that makes more than `most` calls ends with OverBudget.
        """
        self.most = most
        self.salt = salt
        self.failing = failing
        self.calls: Counter[str] = Counter()
        self.total = 0
        self.effects: list[Any] = []
        self.torn: list[str] = []
        self.active = 0
        os.environ.pop("XCS_FUZZ", None)
        for name in os.listdir(_FOLDER):
            os.remove(path(name))

    def files(self) -> dict[str, bytes]:
        """What the run has written."""
        contents = {}
        for name in sorted(os.listdir(_FOLDER)):
            with open(path(name), "rb") as file:
                contents[name] = file.read()
        return contents

    def answer(self, name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> int:
        """What the call answers, as a number; it depends on what the arguments reach and on nothing else."""
        asked = f"{name}{canonical((args, keywords))}"
        number = zlib.crc32(f"{self.salt}{asked}".encode())
        with self.lock:
            self.active += 1
            self.calls[asked] += 1
            self.total += 1
            if self.total > self.most:
                raise OverBudget
        again = asked
        if keywords or not is_plain(args):
            again = f"{name}{canonical((args, keywords))}"
        with self.lock:
            self.active -= 1
            if again != asked:
                self.torn.append(f"{asked} became {again}")
        return number >> 3

    def fail(self, error: BaseException) -> BaseException:
        """Marks an exception that is about to be raised. It is not kept: it would keep the frames that it leaves."""
        error.__dict__[MARK] = True
        return error


WORLD = World()


@xcs.op
def ask(*args: Any, **keywords: Any) -> str:
    """A string."""
    return f"r{WORLD.answer('ask', args, keywords) % 23}"


@xcs.op(returns="atom")
def count(*args: Any, **keywords: Any) -> int:
    """A small number."""
    return WORLD.answer("count", args, keywords) % 5


@xcs.op(returns="atom")
def yes(*args: Any, **keywords: Any) -> bool:
    """True or False."""
    return WORLD.answer("yes", args, keywords) % 2 == 0


@xcs.op
def info(*args: Any, **keywords: Any) -> dict[str, Any]:
    """A new dict of plain data."""
    n = WORLD.answer("info", args, keywords)
    return {"text": f"i{n % 7}", "n": n % 4, "tags": [f"t{i}" for i in range(n % 3)]}


@xcs.op
def parts(*args: Any, **keywords: Any) -> list[str]:
    """A new list of up to three strings."""
    n = WORLD.answer("parts", args, keywords)
    return [f"p{(n >> i) % 4}" for i in range(n % 4)]


@xcs.op
async def answered(*args: Any, **keywords: Any) -> str:
    """A string, to be awaited."""
    return f"w{WORLD.answer('answered', args, keywords) % 17}"


async def asleep(seconds: float) -> None:
    """Lets other tasks run."""
    await asyncio.sleep(seconds)


@xcs.op
def risky(*args: Any, **keywords: Any) -> str:
    """A string, or a failure."""
    n = WORLD.answer("risky", args, keywords)
    if WORLD.failing and n // 7 % WORLD.failing == 0:
        error = (ToolError, ValueError, KeyError)[n % 3]
        raise WORLD.fail(error(f"bad{n % 9}"))
    return f"k{n % 11}"


class Reply:
    """An answer that is an object."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.notes: list[str] = []

    def words(self) -> list[str]:
        """A method of it."""
        return [self.text, *self.notes]


@xcs.op(returns="object")
def reply(*args: Any, **keywords: Any) -> Reply:
    """A new object."""
    return Reply(f"o{WORLD.answer('reply', args, keywords) % 9}")


class _Completions:
    @xcs.op
    def create(self, *args: Any, **keywords: Any) -> str:
        """A string; an independent method."""
        return f"m{WORLD.answer('create', args, keywords) % 13}"


class _Client:
    def __init__(self) -> None:
        self.completions = _Completions()


client = _Client()


@xcs.op(effect="ordered(world)", returns="atom")
def write(value: Any) -> int:
    """Uses a resource, in order."""
    WORLD.effects.append(("write", canonical(value)))
    return len(WORLD.effects)


@xcs.op(effect="reads(world)", returns="atom")
def written() -> int:
    """Reads the resource that `write` uses."""
    return len(WORLD.effects)


def record(value: Any) -> None:
    """An effect that nothing declares."""
    WORLD.effects.append(canonical(value))


class _ListHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        WORLD.effects.append(("log", record.getMessage()))


logger = logging.getLogger("random_programs")
logger.handlers = [_ListHandler()]
logger.setLevel(logging.INFO)
logger.propagate = False
