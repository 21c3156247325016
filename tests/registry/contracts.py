"""The registry's files as Python objects, for the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REGISTRY = Path(__file__).resolve().parents[2] / "registry"


@dataclass(frozen=True)
class Line:
    """One contract, and where it stands."""

    file: Path
    table: str  # "callable" or "attribute"
    key: str
    fields: dict[str, Any]

    @property
    def library(self) -> str:
        """The top-level package of the key."""
        return self.key.split(".")[0]


def files() -> list[Path]:
    """Every file of the registry."""
    return sorted(REGISTRY.glob("*.toml"))


def parse(file: Path) -> dict[str, Any]:
    """One file of the registry as TOML gives it."""
    with file.open("rb") as stream:
        return tomllib.load(stream)


def lines() -> Iterator[Line]:
    """Every contract of the registry."""
    for file in files():
        content = parse(file)
        for table in ("callable", "attribute"):
            for key, fields in content.get(table, {}).items():
                yield Line(file, table, key, fields)
