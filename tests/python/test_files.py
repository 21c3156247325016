"""Files: their lines are read ahead, and paths do not meet, where nobody can tell."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import os
import shutil
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Check, ask

NAMES = ["a", "bb", "ccc", "dddd"]


@pytest.fixture
def place(tmp_path: Path) -> Callable[[], tuple[str]]:
    """Makes the same directory with the same files anew."""

    def make() -> tuple[str]:
        directory = tmp_path / "work"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        (directory / "lines.txt").write_text("".join(f"{name}\n" for name in NAMES))
        (directory / "rows.csv").write_text(
            "name,number\n" + "".join(f"{n},{i}\n" for i, n in enumerate(NAMES))
        )
        (directory / "rows.jsonl").write_text("".join(json.dumps({"name": name}) + "\n" for name in NAMES))
        (directory / "long.txt").write_text("".join(f"{name} {'x' * 3000}\n" for name in NAMES * 4))
        (directory / "torn.txt").write_bytes(b"a\nbb\n" + b"x" * 9000 + b"\nccc\xff\n")
        return (str(directory),)

    return make


def contents(directory: str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(Path(directory).iterdir()) if p.is_file()}


def reached(check: Check, run: Any, place: Any, width: int = 4, rounds: int = 1) -> None:
    stats = check(run, place, width=width)
    assert stats is not None
    assert stats.rounds == rounds


def test_lines_of_a_file(check: Check, place: Any) -> None:
    def run(directory):
        found = []
        with open(f"{directory}/lines.txt") as file:
            for line in file:
                found.append(ask(line.strip()))
        return found

    reached(check, run, place)


def test_numbered_lines(check: Check, place: Any) -> None:
    def run(directory):
        with open(f"{directory}/lines.txt") as file:
            return {number: ask(line) for number, line in enumerate(file, 1)}

    reached(check, run, place)


def test_lines_of_two_files(check: Check, place: Any) -> None:
    def run(directory):
        found = []
        with open(f"{directory}/lines.txt", "rb") as first, open(f"{directory}/rows.jsonl") as second:
            for one, other in zip(first, second):
                found.append(ask(one.decode() + json.loads(other)["name"]))
        return found

    reached(check, run, place)


def test_a_file_that_is_opened_meanwhile(check: Check, place: Any) -> None:
    def run(directory):
        found = []
        for _ in range(2):
            with open(f"{directory}/lines.txt") as file:
                for line in file:
                    found.append(ask(line))
        return found

    check(run, place, width=4)


def test_rows_read_and_written(check: Check, place: Any) -> None:
    def run(directory):
        with (
            open(f"{directory}/rows.csv", newline="") as source,
            open(f"{directory}/out.csv", "w", newline="") as target,
        ):
            writer = csv.DictWriter(target, fieldnames=["name", "number", "answer"])
            writer.writeheader()
            for row in csv.DictReader(source):
                row["answer"] = ask(row["name"])
                writer.writerow(row)
                print(row["number"])
        return contents(directory)

    reached(check, run, place)


def test_rows_of_a_reader(check: Check, place: Any) -> None:
    def run(directory):
        with open(f"{directory}/rows.csv", newline="") as source:
            reader = csv.reader(source)
            header = next(reader)
            return [(header[0], ask(row[0] + "?")) for row in reader]

    reached(check, run, place)


def test_a_generator_that_reads_a_file(check: Check, place: Any) -> None:
    def records(path):
        with open(path) as file:
            for line in file:
                record = json.loads(line)
                if record["name"] != "bb":
                    yield record

    def run(directory):
        with open(f"{directory}/out.jsonl", "a") as out:
            for record in records(f"{directory}/rows.jsonl"):
                record["answer"] = ask(record["name"])
                out.write(json.dumps(record) + "\n")
        return contents(directory)

    reached(check, run, place, width=3)


def test_a_cache_of_one_file_for_each_question(check: Check, place: Any) -> None:
    def run(directory):
        found = []
        for name in [*NAMES, NAMES[1]]:
            path = os.path.join(directory, hashlib.md5(name.encode()).hexdigest() + ".json")
            if os.path.exists(path):
                with open(path) as file:
                    found.append(json.load(file)["answer"])
                continue
            answer = ask(name)
            with open(path, "w") as file:
                json.dump({"answer": answer}, file)
            found.append(answer)
        return found, contents(directory)

    reached(check, run, place)


def test_digests_of_answers(check: Check) -> None:
    def run():
        digest = hashlib.sha256()
        found = []
        for name in NAMES:
            answer = ask(name)
            digest.update(answer.encode())
            found.append(hashlib.md5(answer.encode()).hexdigest())
        return found, digest.hexdigest(), digest.copy().hexdigest()

    stats = check(run, width=4)
    assert stats is not None
    assert stats.rounds == 1


def test_a_database(check: Check, place: Any) -> None:
    def run(directory):
        connection = sqlite3.connect(f"{directory}/answers.db")
        connection.execute("create table answers (name text, answer text)")
        for name in NAMES:
            answer = ask(name)
            cursor = connection.cursor()
            cursor.execute("insert into answers values (?, ?)", (name, answer))
            connection.execute("insert into answers values (?, ?)", (answer, cursor.lastrowid))
            connection.commit()
        rows = connection.execute("select * from answers").fetchall()
        connection.close()
        return rows

    reached(check, run, place)


def same_file(directory):
    with open(f"{directory}/lines.txt") as file, open(f"{directory}/lines.txt", "a") as more:
        for number, line in enumerate(file):
            answer = ask(line)
            if number < 3:
                more.write(f"more {answer}\n")
                more.flush()


def same_file_by_another_name(directory):
    os.symlink(f"{directory}/long.txt", f"{directory}/link.txt")
    with open(f"{directory}/long.txt") as file:
        for number, line in enumerate(file):
            answer = ask(line[:3])
            if number < 3:
                with open(f"{directory}/link.txt", "a") as more:
                    more.write(f"more {answer}\n")


def rest_after_failure(directory):
    with open(f"{directory}/lines.txt") as file:
        try:
            for line in file:
                print(ask("bad" if line == "bb\n" else line))
        except ValueError:
            pass
        return file.read()


def rest_after_break(directory):
    with open(f"{directory}/lines.txt") as file:
        for line in file:
            if "bb" in ask(line):
                break
        return file.readline()


def lines_taken_in_the_loop(directory):
    with open(f"{directory}/lines.txt") as file:
        return [(ask(line), next(file)) for line in file]


def handed_on(directory):
    def first(file):
        for line in file:
            return ask(line)

    with open(f"{directory}/lines.txt") as file:
        return first(file), first(file), file.read()


def kept_by_an_object(directory):
    class Source:
        def __init__(self, path):
            self.file = open(path)

        def one(self):
            for line in self.file:
                return ask(line)

    source = Source(f"{directory}/lines.txt")
    return source.one(), source.one(), source.file.close()


def position_of_a_reader(directory):
    with open(f"{directory}/rows.csv", newline="") as file:
        reader = csv.reader(file)
        return [(ask(row[0]), reader.line_num) for row in reader]


def torn(directory):
    found = []
    with open(f"{directory}/torn.txt", encoding="utf-8") as file:
        for line in file:
            found.append(ask(line[:4]))
            print(len(line))
    return found


def torn_and_caught(directory):
    found = []
    try:
        with open(f"{directory}/torn.txt", encoding="utf-8") as file:
            for line in file:
                found.append(ask(line[:4]))
    except UnicodeDecodeError as error:
        return found, error.reason
    return found


def written_and_asked_for(directory):
    path = f"{directory}/new.txt"
    found = [os.path.exists(path)]
    answer = ask("a")
    with open(path, "w") as file:
        file.write(answer)
    found += [os.path.exists(path), os.path.getsize(path), sorted(os.listdir(directory))]
    Path(path).write_text(ask("b") * 3)
    found += [Path(path).exists(), Path(path).stat().st_size, Path(path).read_text()]
    os.remove(path)
    return [*found, os.path.isfile(path)]


def moved(directory):
    answer = ask("a")
    with open(f"{directory}/one.txt", "w") as file:
        print(answer, file=file)
    os.rename(f"{directory}/one.txt", f"{directory}/two.txt")
    found = [os.path.exists(f"{directory}/{name}.txt") for name in ("one", "two")]
    shutil.copy(f"{directory}/two.txt", f"{directory}/three.txt")
    return [*found, os.path.getsize(f"{directory}/three.txt")]


def logged_and_read(directory):
    log = logging.getLogger("read while it is written")
    handler = logging.FileHandler(f"{directory}/lines.txt")
    log.addHandler(handler)
    log.propagate = False
    found = []
    with open(f"{directory}/lines.txt") as file:
        for line in file:
            answer = ask(line)
            found.append(line)
            if len(found) < 6:
                log.warning("%s", answer)
    log.removeHandler(handler)
    handler.close()
    return found


def closed_under_way(directory):
    file = open(f"{directory}/lines.txt")
    for line in file:
        if "bb" in ask(line):
            file.close()


def directory_changed(directory):
    before = os.getcwd()
    answer = ask("a")
    try:
        os.chdir(directory)
        with open("relative.txt", "w") as file:
            file.write(answer)
        return os.path.exists("relative.txt"), os.path.exists(f"{directory}/relative.txt")
    finally:
        os.chdir(before)


@pytest.mark.parametrize(
    "function",
    [
        same_file,
        same_file_by_another_name,
        rest_after_failure,
        rest_after_break,
        lines_taken_in_the_loop,
        handed_on,
        kept_by_an_object,
        position_of_a_reader,
        torn,
        torn_and_caught,
        written_and_asked_for,
        moved,
        logged_and_read,
        closed_under_way,
        directory_changed,
    ],
    ids=lambda function: function.__name__,
)
def test_what_can_be_told_is_as_in_order(check: Check, place: Any, function: Callable[[str], Any]) -> None:
    def run(directory):
        try:
            result = function(directory)
        except Exception as error:  # noqa: BLE001 - compared
            result = repr(error)
        return result, contents(directory)

    check(run, place)


def test_a_file_that_the_caller_goes_on_with(check: Check, place: Any) -> None:
    def make() -> tuple[Any]:
        (directory,) = place()
        return (open(f"{directory}/lines.txt"),)

    def run(file):
        for line in file:
            answer = ask("bad" if line == "bb\n" else line)
            print(answer)

    def whole(file):
        with file:
            try:
                return run(file)
            except ValueError:
                return file.read()

    check(whole, make)


def numbers(path: str) -> Iterator[str]:
    with open(path) as file:
        yield from file


def test_lines_delegated_to(check: Check, place: Any) -> None:
    def run(directory):
        return [ask(line) for line in numbers(f"{directory}/lines.txt")]

    check(run, place)


def test_what_is_read_of_an_exception_is_no_file(check: Check) -> None:
    def run():
        error = ValueError("first")
        answer = ask("a")
        error.add_note(answer)
        error.args = (answer, ask("b"))
        text = io.StringIO()
        traceback.print_exception(error, file=text)
        return text.getvalue(), traceback.format_exception_only(error), traceback.format_exception(error)

    check(run)
