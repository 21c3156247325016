"""Arguments for the pure callables of the standard library."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import difflib
import fractions
import hashlib
import operator
import pathlib
import re
import string
import uuid
import zlib
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass
class Point:
    """A dataclass that holds something mutable."""

    x: int = 1
    tags: list[str] = dataclasses.field(default_factory=lambda: ["a"])


class Rows(list[int]):
    """A list with a product."""

    def __matmul__(self, other: Rows) -> int:
        return sum(a * b for a, b in zip(self, other, strict=True))


# Values are made anew for each call. Numbers are small, so that no result is large.
POOL: list[Callable[[], Any]] = [
    lambda: 0,
    lambda: 3,
    lambda: -2,
    lambda: 2.5,
    lambda: 1j,
    lambda: "b a",
    lambda: "12",
    lambda: "x",
    lambda: b"ab",
    lambda: b"10",
    lambda: [3, 1, 2],
    lambda: ["b", "a"],
    lambda: [[1, 2], [3, 4]],
    lambda: [("k", [1]), ("l", [2])],
    lambda: (1.5, 2.5, 4.0),
    lambda: {"a": 1, "b": [2]},
    lambda: {1, 2},
    lambda: frozenset({2}),
    lambda: range(4),
    lambda: slice(1, 3),
    lambda: str,
    lambda: None,
    lambda: collections.Counter("abca"),
    lambda: collections.OrderedDict(a=1, b=2),
    lambda: collections.deque([1, 2, 3]),
    lambda: dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.timezone.utc),
    lambda: dt.date(2024, 5, 6),
    lambda: dt.time(7, 8),
    lambda: dt.timedelta(hours=3),
    lambda: dt.timezone.utc,
    lambda: decimal.Decimal("1.5"),
    lambda: fractions.Fraction(1, 3),
    lambda: re.compile("([ab])"),
    lambda: re.search("(?P<n>[ab])", "b a"),
    lambda: pathlib.PurePosixPath("/a/b.txt"),
    lambda: hashlib.sha256(b"a"),
    lambda: hashlib.blake2b(b"a"),
    lambda: hashlib.blake2s(b"a"),
    lambda: difflib.SequenceMatcher(None, "abcd", "bcde"),
]

# For callables that no tuple of the pool fits.
SAMPLES: dict[str, Callable[[], tuple[Any, ...]]] = {
    "_operator.matmul": lambda: (Rows([1, 2]), Rows([3, 4])),
    "base64.b32decode": lambda: ("MFRGG===",),
    "base64.b64decode": lambda: ("YWJj",),
    "base64.decodebytes": lambda: (b"YWJj",),
    "base64.standard_b64decode": lambda: ("YWJj",),
    "base64.urlsafe_b64decode": lambda: ("YWJj",),
    "binascii.a2b_base64": lambda: ("YWJj",),
    "builtins.BaseExceptionGroup": lambda: ("group", [ValueError(1)]),
    "builtins.ExceptionGroup": lambda: ("group", [ValueError(1)]),
    "builtins.UnicodeDecodeError": lambda: ("utf-8", b"\xff", 0, 1, "reason"),
    "builtins.UnicodeEncodeError": lambda: ("ascii", "\xff", 0, 1, "reason"),
    "builtins.UnicodeTranslateError": lambda: ("\xff", 0, 1, "reason"),
    "builtins.bytes.join": lambda: (b", ", [b"a", b"b"]),
    "builtins.id": lambda: (None,),
    "calendar.timegm": lambda: ((2024, 5, 6, 7, 8, 9),),
    "calendar.weekday": lambda: (2024, 5, 6),
    "collections.OrderedDict.move_to_end": lambda: (collections.OrderedDict(a=1, b=2), "a"),
    "dataclasses.asdict": lambda: (Point(),),
    "dataclasses.astuple": lambda: (Point(),),
    "datetime.date": lambda: (2024, 5, 6),
    "datetime.date.fromisocalendar": lambda: (2024, 5, 6),
    "datetime.date.fromisoformat": lambda: ("2024-05-06",),
    "datetime.datetime": lambda: (2024, 5, 6),
    "datetime.datetime.fromisoformat": lambda: ("2024-05-06T07:08:09",),
    "hmac.digest": lambda: (b"key", b"message", "sha256"),
    "operator.itemgetter.__call__": lambda: (operator.itemgetter("b"), {"a": 1, "b": [2]}),
    "pathlib.PurePath.with_suffix": lambda: (pathlib.PurePosixPath("/a/b.txt"), ".md"),
    "re.sub": lambda: ("a", "x", "b a"),
    "string.Template.safe_substitute": lambda: (string.Template("$a $b"), {"a": [1]}),
    "string.Template.substitute": lambda: (string.Template("$a"), {"a": [1]}),
    "textwrap.shorten": lambda: ("a few words more than fit", 12),
    "unicodedata.is_normalized": lambda: ("NFC", "\u00e9"),
    "unicodedata.lookup": lambda: ("LATIN SMALL LETTER A",),
    "unicodedata.normalize": lambda: ("NFD", "\u00e9"),
    "urllib.parse.urlunparse": lambda: (["https", "host", "/path", "", "q=1", ""],),
    "urllib.parse.urlunsplit": lambda: (["https", "host", "/path", "q=1", ""],),
    "uuid.UUID": lambda: ("12345678123456781234567812345678",),
    "uuid.uuid3": lambda: (uuid.NAMESPACE_DNS, "name"),
    "uuid.uuid5": lambda: (uuid.NAMESPACE_DNS, "name"),
    "weakref.ReferenceType": lambda: (Point,),
    "zlib.decompress": lambda: (zlib.compress(b"ab"),),
}
