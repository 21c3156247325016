"""`xcs cache`: what journals and caches hold."""

from __future__ import annotations

import argparse
import json
import pickle
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from xcs._errors import UsageError
from xcs._journal import shared_cache

_JOURNAL, _CACHE = 0x7863736A, 0x78637363
_STATES = ("open", "returned", "finished")
_TEXT = 0  # the form of an answer


def add_commands(commands: Any) -> None:
    """Adds the command's parser."""
    cache = commands.add_parser("cache", help="look at caches and journals, and make them smaller")
    actions = cache.add_subparsers(dest="action", required=True, metavar="action")
    for name, what in (
        ("ls", "the places whose answers a cache holds, or the runs of a journal"),
        ("show", "answers"),
        ("export", "all answers as lines of JSON"),
        ("prune", "drop what is old, and finished runs"),
    ):
        action = actions.add_parser(name, help=what)
        action.add_argument(
            "file", nargs="?", type=Path, help="a cache or a journal (the cache that cache=True stands for)"
        )
        if name == "show":
            action.add_argument("--site", default="", help="only of places that contain this text")
            action.add_argument("--limit", type=int, default=20, help="how many of the newest (20)")
        if name == "prune":
            action.add_argument(
                "--older-than", type=float, default=0, metavar="DAYS", help="keep what is newer than this (0)"
            )


def run(console: Console, options: argparse.Namespace) -> int:
    path = options.file or shared_cache()
    with closing(_opened(path)) as database:
        (kind,) = database.execute("PRAGMA application_id").fetchone()
        if kind not in (_JOURNAL, _CACHE):
            raise UsageError(f"{path} is neither a cache nor a journal")
        journal = kind == _JOURNAL
        if options.action == "ls":
            console.print(_runs(database) if journal else _places(database))
        elif options.action == "show":
            for row in _answers(database, journal, options.site, options.limit):
                console.print(Text(f"{_date(row['time'])}  {row['site']}\n{_shown(row['answer'])}\n"))
        elif options.action == "export":
            _export(_answers(database, journal, "", -1), sys.stdout)
        else:
            dropped = _prune(database, journal, time.time() - options.older_than * 86_400)
            console.print(f"{dropped} answers dropped")
    return 0


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    database.row_factory = sqlite3.Row
    try:
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError:
        database.close()
        raise UsageError(f"{path} is neither a cache nor a journal") from None
    return database


def _places(database: sqlite3.Connection) -> Table:
    table = Table("place", "answers", "bytes", "newest")
    for row in database.execute(
        "SELECT site, count(*), sum(length(answer)), max(stored) FROM answer GROUP BY site ORDER BY site"
    ):
        table.add_row(Text(row[0]), str(row[1]), str(row[2]), _date(row[3]))
    return table


def _runs(database: sqlite3.Connection) -> Table:
    table = Table("run", "program", "state", "answers", "unfinished", "attempts", "started")
    for row in database.execute(
        "SELECT run.id, program, state, count(form), count(call.id) - count(form), attempts, run.started "
        "FROM run LEFT JOIN call ON call.run = run.id GROUP BY run.id ORDER BY run.id"
    ):
        table.add_row(str(row[0]), Text(row[1]), _STATES[int(row[2])], *map(str, row[3:6]), _date(row[6]))
    return table


def _answers(database: sqlite3.Connection, journal: bool, site: str, limit: int) -> Iterator[dict[str, Any]]:
    table, when = ("call", "finished") if journal else ("answer", "stored")
    rows = database.execute(
        f"SELECT site, {when} AS time, form, answer FROM {table} "
        "WHERE form IS NOT NULL AND instr(site, ?) > 0 ORDER BY id DESC LIMIT ?",
        (site, limit),
    )
    for row in rows:
        yield {"site": row["site"], "time": row["time"], "answer": _read(row["form"], row["answer"])}


def _read(form: int, answer: bytes) -> Any:
    if form == _TEXT:
        return bytes(answer).decode()
    try:
        return pickle.loads(answer)
    except Exception as error:  # noqa: BLE001 - a class of a program that is not at hand; pickle may raise anything
        return f"cannot be read here: {error}"


def _shown(answer: Any) -> str:
    return answer if isinstance(answer, str) else repr(answer)


def _export(answers: Iterator[dict[str, Any]], to: TextIO) -> None:
    for row in answers:
        to.write(json.dumps(row, default=repr, ensure_ascii=False) + "\n")


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _prune(database: sqlite3.Connection, journal: bool, before: float) -> int:
    """Answers dropped. Runs that may still go on keep theirs."""
    database.execute("BEGIN IMMEDIATE")
    if journal:
        old = "(SELECT id FROM run WHERE state = 2 AND started < ?)"
        database.execute(f"DELETE FROM code WHERE run IN {old}", (before,))
        dropped = database.execute(f"DELETE FROM call WHERE run IN {old}", (before,)).rowcount
        database.execute("DELETE FROM run WHERE state = 2 AND started < ?", (before,))
    else:
        dropped = database.execute("DELETE FROM answer WHERE stored < ?", (before,)).rowcount
    database.execute("COMMIT")
    database.execute("VACUUM")
    return dropped
