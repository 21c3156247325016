"""Runs one of CPython's test modules in one mode and writes what each test came to, as JSON.

Modes: `plain` is the module as it is; `jit` the same with its functions and methods under `xcs.jit` and every region
taken through the window; `late-plain` and `late` are the module as late.py rewrites it, without and with XCS.
"""

from __future__ import annotations

import argparse
import builtins
import importlib
import importlib.util
import json
import linecache
import os
import re
import sys
import tempfile
import threading
import time
import types
import unittest
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from late import late

_ADDRESS = re.compile(r"0x[0-9a-f]+")


class Recorder(unittest.TestResult):
    """Keeps the outcomes of each test, subtests included, in the order in which they were told."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__()
        self.outcomes: dict[str, list[list[str]]] = {}
        self._log = log

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._log(test.id())
        self.outcomes.setdefault(test.id(), [])

    def _add(self, test: Any, kind: str, error: Any = None) -> None:
        found = [kind]
        if error is not None:
            text = _ADDRESS.sub("0x", str(error[1]))
            trace = self._exc_info_to_string(error, test)
            found += [error[0].__name__, text, trace]
        self.outcomes.setdefault(test.id(), []).append(found)

    def addSuccess(self, test: Any) -> None:
        self._add(test, "passed")

    def addError(self, test: Any, err: Any) -> None:
        self._add(test, "error", err)

    def addFailure(self, test: Any, err: Any) -> None:
        self._add(test, "failed", err)

    def addSkip(self, test: Any, reason: str) -> None:
        self._add(test, "skipped")

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self._add(test, "expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:
        self._add(test, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self._add(test, "failed", err)


def jitted(function: Any) -> Any:
    """The function under `xcs.jit`, or as it is when that refuses it."""
    import xcs

    try:
        return xcs.jit(function)
    except xcs.UsageError:
        return function


def jit_namespace(owner: Any, file: str, module: str, seen: set[int]) -> None:
    """Puts the functions that `file` defines in a module or class under `xcs.jit`."""
    if id(owner) in seen:
        return
    seen.add(id(owner))
    for name, value in list(vars(owner).items()):
        changed = _changed(value, file)
        if changed is not None:
            try:
                setattr(owner, name, changed)
            except (AttributeError, TypeError):
                continue
        elif isinstance(value, type) and value.__module__ == module:
            jit_namespace(value, file, module, seen)


def _changed(value: Any, file: str) -> Any:
    if isinstance(value, property):
        accessors = (value.fget, value.fset, value.fdel)
        found = [_changed(a, file) if a is not None else None for a in accessors]
        if not any(found):
            return None
        return property(*[new or old for new, old in zip(found, accessors, strict=True)], doc=value.__doc__)
    function = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    if not isinstance(function, types.FunctionType) or function.__code__.co_filename != file:
        return None
    made = jitted(function)
    if made is function:
        return None
    return type(value)(made) if function is not value else made


def identity(value: Any) -> Any:
    return value


_made = 0


def _late(value: Any) -> Any:
    """Answers a little later than it is asked, by a delay that depends on the value alone."""
    global _made
    _made += 1
    if _made < 5000:
        time.sleep(zlib.crc32(repr(value).encode()) % 4 * 0.0002)
    return value


def load(name: str, mode: str, seed: int, folder: Path) -> types.ModuleType:
    """The test module, prepared for the mode.

    XCS is imported in all of them: libraries that it uses change the standard library, as typing_extensions does.
    """
    import xcs

    if mode in ("plain", "jit"):
        module = importlib.import_module(name)
        if mode == "jit":
            from xcs import _core

            _core.assume_reach(True)
            jit_namespace(module, str(module.__file__), name, set())
        return module
    if mode == "late":
        vars(builtins).update(__jit__=jitted, __late__=xcs.op(_late))
    else:
        vars(builtins).update(__jit__=identity, __late__=identity)
    original = importlib.util.find_spec(name)
    assert original is not None
    assert original.origin is not None
    target = folder / f"{name.rpartition('.')[2]}.py"
    target.write_text(late(Path(original.origin).read_text("utf-8"), seed), "utf-8")
    spec = importlib.util.spec_from_file_location(
        name, target, submodule_search_locations=original.submodule_search_locations
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    setattr(sys.modules["test"], name.rpartition(".")[2], module)
    spec.loader.exec_module(module)
    return module


def suite_of(module: types.ModuleType, only: str) -> unittest.TestSuite:
    suite = unittest.TestLoader().loadTestsFromModule(module)
    if not only:
        return suite
    chosen = unittest.TestSuite()
    pending: list[Any] = [suite]
    while pending:
        test = pending.pop(0)
        if isinstance(test, unittest.TestSuite):
            pending[:0] = list(test)
        elif re.search(only, test.id()):
            chosen.addTest(test)
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("mode", choices=["plain", "jit", "late-plain", "late"])
    parser.add_argument("results", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="run the tests whose names match this")
    arguments = parser.parse_args()
    results = arguments.results.resolve()

    import test.support

    test.support.use_resources = []
    test.support.verbose = 0
    current = results.with_suffix(".current")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        os.chdir(scratch)
        source = results.parent / "source"
        source.mkdir(exist_ok=True)
        module = load(f"test.{arguments.module}", arguments.mode, arguments.seed, source)
        linecache.checkcache()
        recorder = Recorder(lambda name: void(current.write_text(name)))
        threads = threading.active_count()
        suite_of(module, arguments.only).run(recorder)
        os.chdir("/")
        results.write_text(json.dumps(recorder.outcomes))
    del threads
    current.unlink(missing_ok=True)
    return 0


def void(_: object) -> None:
    return None


if __name__ == "__main__":
    sys.exit(main())
