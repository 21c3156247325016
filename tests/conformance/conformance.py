"""Runs CPython's own language tests under XCS and compares what each test came to with plain CPython.

Each module runs in a process of its own, in the modes of worker.py. Prints a row for each module and a line for each
difference that excused.toml does not list, and for each line of that list which is not true any more; the status is 1
when there is one. `make conformance` runs all modules.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from excused import excuses

HERE = Path(__file__).resolve().parent
PAIRS = (("plain", "jit"), ("late-plain", "late"))

# Modules without a difference that take a few seconds; `make test` runs them.
QUICK = "augassign contains raise".split()

LANGUAGE = """
    abc asyncgen baseexception binop bool builtin bytes call class collections compare complex context
    contextlib contextlib_async copy coroutines dataclasses decorators defaultdict deque descr dict
    dictcomps dictviews dynamic dynamicclassattribute enum enumerate eof except_star exception_group
    exception_hierarchy exception_variations exceptions extcall finalization float flufl format fstring
    funcattrs functools generator_stop generators genericalias genericclass genexps global grammar hash
    heapq index inspect int int_literal isinstance iter itertools keywordonlyarg list listcomps metaclass
    module named_expressions opcodes operator ordered_dict patma positional_only_arg pow print property
    range reprlib richcmp scope set setcomps slice sort string string_literals strtod subclassinit super
    syntax sys_settrace threading_local traceback tuple type_annotations types typing unary unicode unpack
    unpack_ex userdict userlist userstring weakref weakset with yield_from
""".split()

LIBRARY = """
    abstract_numbers argparse array ast asyncio.test_context asyncio.test_futures asyncio.test_locks
    asyncio.test_queues asyncio.test_runners asyncio.test_taskgroups asyncio.test_tasks asyncio.test_threads
    asyncio.test_timeouts asyncio.test_waitfor atexit base64 bdb binascii bisect buffer calendar cmath code
    codeop codecs colorsys compile configparser copyreg cprofile csv datetime decimal dict_version difflib
    dis fileinput fileio fnmatch fractions frame future_stmt gc genericpath getopt gettext glob graphlib hmac
    html htmlparser http_cookies io ipaddress iterlen json.test_decode json.test_default json.test_dump
    json.test_encode_basestring_ascii json.test_enum json.test_fail json.test_float json.test_indent
    json.test_pass1 json.test_pass2 json.test_pass3 json.test_recursion json.test_scanstring
    json.test_separators json.test_speedups json.test_unicode keyword linecache locale logging long longexp
    marshal math memoryio memoryview mimetypes netrc ntpath numeric_tower opcache optparse pathlib peepholer
    pep646_syntax pickle picklebuffer pickletools pkgutil plistlib posixpath pprint profile pyclbr queue
    quopri random re runpy sched secrets shelve shlex signal source_encoding stat statistics strftime
    stringprep strptime struct structseq symtable sys sys_setprofile tempfile textwrap thread threading time
    timeit tokenize trace type_cache type_comments typechecks unicode_identifiers unicodedata univnewlines
    unparse urllib urlparse userdict utf8source uuid warnings xml_dom_minicompat xml_etree zipfile zlib
    zoneinfo
""".split()

Outcomes = dict[str, list[list[str]]]


@dataclass(frozen=True)
class Difference:
    mode: str
    test: str
    expected: str
    actual: str


@dataclass(frozen=True)
class Row:
    """What one module came to.

    Attributes:
        excused: How many differences the list has.
        stale: Lines of the list, as mode and test, for tests that came to the same.
        not_compared: By mode, why CPython itself gave nothing to compare with.
    """

    module: str
    tests: int
    differences: list[Difference]
    excused: int = 0
    stale: tuple[tuple[str, str], ...] = ()
    not_compared: tuple[tuple[str, str], ...] = ()

    @property
    def problems(self) -> int:
        """How much of it should not be."""
        return len(self.differences) + len(self.stale)


def run(module: str, mode: str, folder: Path, timeout: float) -> Outcomes | str:
    """What each test of the module came to, or why there is nothing to compare."""
    results = folder / f"{module}.{mode}.json"
    command = [sys.executable, "-W", "ignore", str(HERE / "worker.py"), f"test_{module}", mode, str(results)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return f"ran out of time in {_current(results)}"
    if done.returncode != 0:
        return f"ended with status {done.returncode} in {_current(results)}"
    outcomes: Outcomes = json.loads(results.read_text())
    return outcomes


def _current(results: Path) -> str:
    current = results.with_suffix(".current")
    return current.read_text() if current.exists() else "its import"


def compare(module: str, folder: Path, timeout: float) -> Row:
    """Runs the module in all modes."""
    differences: list[Difference] = []
    not_compared: list[tuple[str, str]] = []
    tests = 0
    for plain, mode in PAIRS:
        expected = run(module, plain, folder, timeout)
        if isinstance(expected, str):
            not_compared.append((plain, expected))
            continue
        actual = run(module, mode, folder, timeout)
        tests = max(tests, len(expected))
        if isinstance(actual, str):
            differences.append(Difference(mode, module, "ends", actual))
            continue
        for test in expected:
            before, after = _summary(expected[test]), _summary(actual.get(test, []))
            if before != after:
                differences.append(Difference(mode, test, before, after))
    return _judged(Row(module, tests, differences, not_compared=tuple(not_compared)))


def _judged(row: Row) -> Row:
    """The row without what is excused."""
    known = excuses()
    met = {(d.mode, d.test) for d in row.differences}
    ended = {d.mode for d in row.differences if d.test == row.module}
    listed = known if sys.version_info[:2] == (3, 11) else {}  # the list is of that version's tests
    expected = {
        key for key in listed if key[1] == row.module or key[1].startswith(f"test.test_{row.module}.")
    }
    stale = tuple(
        sorted(
            key
            for key in expected - met
            if known[key].always and (key[0] not in ended or key[1] == row.module)
        )
    )
    rest = [d for d in row.differences if (d.mode, d.test) not in known]
    return replace(row, differences=rest, excused=len(met & known.keys()), stale=stale)


def _summary(outcomes: list[list[str]]) -> str:
    return ", ".join(" ".join(one[:2]) for one in outcomes) or "did not run"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="names without test_; all when none is given")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=100, help="seconds for one module in one mode")
    arguments = parser.parse_args()
    modules: list[Any] = arguments.modules or sorted({*QUICK, *LANGUAGE, *LIBRARY})
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        running = [pool.submit(compare, module, Path(folder), arguments.timeout) for module in modules]
        for future in running:
            row = future.result()
            rows.append(row)
            excused = f" and {row.excused} excused" if row.excused else ""
            print(f"{row.module:24} {row.tests:5} tests {row.problems:4} differences{excused}", flush=True)
            for d in row.differences:
                print(f"    {d.mode}: {d.test}: {d.expected} -> {d.actual}", flush=True)
            for mode, test in row.stale:
                print(f"    {mode}: {test}: excused.toml lists it, and it comes to the same", flush=True)
            for plain, reason in row.not_compared:
                print(f"    {plain}: not compared, CPython itself {reason}", flush=True)
    different = sum(row.problems for row in rows)
    tests, excused = (sum(getattr(row, name) for row in rows) for name in ("tests", "excused"))
    print(f"{tests} tests in {len(rows)} modules, {different} differences and {excused} excused")
    missing = [f"{row.module} ({plain})" for row in rows for plain, _ in row.not_compared]
    print(f"{len(missing)} runs of modules not compared" + (f": {', '.join(missing)}" if missing else ""))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
