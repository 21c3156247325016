"""Runs the programs of this folder from the start, observes all that they leave behind, and finds their critical paths."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import xcs
from patterns import model
from programs import world

HERE = Path(__file__).parent
# Other answers that each call is given to see what depends on it.
SALTS = 6

for independent in world.INDEPENDENT:
    xcs.declare(independent, effect="independent")

Main = Callable[[str], Any]


@dataclass(frozen=True)
class Observation:
    """What a run of a program left behind: the result or exception, what it printed, its files, its globals.

    Attributes:
        calls: The calls it made; under jit, what comes after a call that fails may have been asked already.
        failed: Whether one of them raised.
    """

    result: str
    printed: str
    files: dict[str, bytes]
    state: dict[str, str]
    calls: tuple[tuple[str, int], ...] = field(compare=False)
    failed: bool = field(compare=False)

    def makes_the_calls_of(self, plain: Observation) -> bool:
        """Whether the calls are those of the sequential run, or only what would follow a call that failed is more."""
        if plain.failed:
            return collections.Counter(plain.calls) <= collections.Counter(self.calls)
        return self.calls == plain.calls


def names() -> list[str]:
    """The programs: every module here with a `main`."""
    return sorted(path.stem for path in HERE.glob("*.py") if "\ndef main(workdir)" in path.read_text())


def load(name: str) -> ModuleType:
    """The program as a module of its own, with its globals as they are when it starts."""
    full = f"programs.{name}"
    spec = importlib.util.spec_from_file_location(full, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    spec.loader.exec_module(module)
    return module


def plainly(main: Main) -> Main:
    """The program as CPython runs it."""
    return main


def observe(name: str, workdir: Path, prepare: Callable[[Main], Main] = plainly) -> Observation:
    """Runs the program once in an empty directory."""
    workdir.mkdir(parents=True)
    module = load(name)
    model.reset()
    printed = io.StringIO()
    main = prepare(module.main)
    with contextlib.redirect_stdout(printed):
        try:
            result = f"returned {main(str(workdir))!r}"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is observed
            result = f"raised {error!r} from {error.__cause__!r} in {error.__context__!r}"
    return Observation(
        result.replace(str(workdir), "WORKDIR"),
        printed.getvalue(),
        {
            str(path.relative_to(workdir)): path.read_bytes()
            for path in sorted(workdir.rglob("*"))
            if path.is_file()
        },
        {key: repr(value) for key, value in vars(module).items() if _is_plain(value)},
        tuple(sorted((f"{call.prompt} {sorted(call.kw.items())!r}", call.repeat) for call in model.LOG)),
        any(call.error for call in model.LOG),
    )


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | list | dict | set | tuple) and " at 0x" not in repr(value)


# --- Critical paths ------------------------------------------------------------------------------------------------


def critical_path(name: str, workdirs: Iterator[Path]) -> tuple[int, int]:
    """The calls that the program makes, and how many of them stand on the longest chain of dependent ones.

    A call depends on an earlier one when some other answer of the earlier one changes what it asks, or whether it is
    made at all.
    """
    made = _log(name, next(workdirs))
    longest: list[int] = []
    needs: list[set[int]] = [set() for _ in made]
    for i, key in enumerate(made):
        for salt in range(SALTS):
            model.PERTURB = {key: f"salt {salt}"}
            try:
                others = set(_log(name, next(workdirs)))
            finally:
                model.PERTURB = None
            for j in range(i + 1, len(made)):
                if made[j] not in others:
                    needs[j].add(i)
    for j in range(len(made)):
        longest.append(1 + max((longest[i] for i in needs[j]), default=0))
    return len(made), max(longest, default=0)


def _log(name: str, workdir: Path) -> list[tuple[Any, int]]:
    observe(name, workdir)
    return [
        ((call.prompt, tuple(sorted((k, repr(v)) for k, v in call.kw.items()))), call.repeat)
        for call in model.LOG
    ]
