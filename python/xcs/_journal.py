"""Journals and caches as options of a run: which file, for how long, and what is written into it."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import sys
import threading
from pathlib import Path
from typing import Any, cast

from xcs import _core
from xcs._errors import UsageError

StorePath = str | os.PathLike[str]

_sessions: dict[tuple[int, str], _core.JournalSession] = {}  # of this process, by process and path
_opening = threading.Lock()


class Block:
    """The journal of one `with xcs.config(journal=...)` block: its runs are finished when the block ends well."""

    def __init__(self, path: StorePath) -> None:
        self.path = checked_path("journal", path)
        self._session: _core.JournalSession | None = None

    def __repr__(self) -> str:
        return repr(self.path)

    def session(self) -> _core.JournalSession:
        with _opening:
            if self._session is None:
                self._session = _core.JournalSession(self.path)
            return self._session

    def end(self, *, well: bool) -> None:
        session, self._session = self._session, None
        if session is not None and well:
            session.finish()


def checked_path(option: str, path: Any) -> str:
    """The absolute path of a file."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise UsageError(f"{option} must be the path of a file, not {path!r}")
    return os.path.abspath(os.fspath(path))


def session_of(journal: Block | str) -> _core.JournalSession:
    """The session of a block, or of this process for a path."""
    if isinstance(journal, Block):
        return journal.session()
    key = (os.getpid(), journal)
    with _opening:
        if key not in _sessions:
            _sessions[key] = _core.JournalSession(journal)
        return _sessions[key]


@atexit.register
def _end_sessions() -> None:
    # Set by the interpreter when an exception that nobody handled has ended the program, or a statement of a prompt.
    well = not hasattr(sys, "last_value")
    own = [key for key in _sessions if key[0] == os.getpid()]
    for key in own:
        session = _sessions.pop(key)
        if well:
            session.finish()


def cache_path(cache: str | bool) -> str:
    """The file of a cache; True stands for one that all programs of the user share."""
    if isinstance(cache, str):
        return cache
    path = shared_cache()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return str(path)


def shared_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "xcs" / "answers.db"


def dump(result: object) -> bytes | None:
    """The result as bytes, or None if it cannot be pickled."""
    try:
        return pickle.dumps(result, protocol=4)
    except Exception:  # noqa: BLE001 - pickle runs the objects' own code, which may raise anything
        return None


def load(data: bytes) -> tuple[Any] | None:
    """What was dumped, in a tuple, or None if that is no longer possible."""
    try:
        return (pickle.loads(data),)
    except Exception:  # noqa: BLE001 - as above; and classes come and go with versions of the program
        return None


def is_refusal(finish_reason: str, raw: str) -> bool:
    """Whether the model, or a filter in front of it, declined to answer."""
    if finish_reason in ("content_filter", "refusal"):
        return True
    if '"refusal"' not in raw:
        return False
    choices: list[dict[str, Any]] = json.loads(raw).get("choices") or [{}]
    return bool(choices[0].get("message", {}).get("refusal"))


def is_refusal_object(result: Any) -> bool:
    """The same for what the clients of openai and anthropic return."""
    if type(result).__module__.partition(".")[0] not in ("openai", "anthropic"):
        return False
    if getattr(result, "stop_reason", None) == "refusal":
        return True
    choices = getattr(result, "choices", None) or ()
    return any(
        getattr(choice, "finish_reason", None) == "content_filter"
        or getattr(getattr(choice, "message", None), "refusal", None)
        for choice in choices
    )


def say_how_to_resume(exception: BaseException, path: str, answers: int) -> None:
    """Adds to the exception, as a note, what has been kept."""
    kept = f"{answers} finished call{'' if answers == 1 else 's'}"
    note = f"xcs: {kept} kept in the journal {path}; run the program again to go on from there"
    notes = [n for n in getattr(exception, "__notes__", []) if not n.startswith("xcs: ") or path not in n]
    cast(Any, exception).__notes__ = [*notes, note]
