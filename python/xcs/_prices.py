"""What models cost: data that the user can override."""

from __future__ import annotations

import functools
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xcs._errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_DATE = re.compile(r"-(\d{8}|\d{4}-\d\d-\d\d)$|-latest$")


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens.

    Attributes:
        input: Of input that no cache holds.
        output: Of output, reasoning included.
        cached_input: Of input read from the provider's cache.
        cache_write: Of input written to it.
    """

    input: float
    output: float
    cached_input: float
    cache_write: float

    def cost(
        self, *, input_tokens: int, output_tokens: int, cached_input_tokens: int, cache_write_tokens: int
    ) -> float:
        """Dollars for tokens; `input_tokens` are all, those of the cache among them."""
        plain = max(0, input_tokens - cached_input_tokens - cache_write_tokens)
        return (
            plain * self.input
            + output_tokens * self.output
            + cached_input_tokens * self.cached_input
            + cache_write_tokens * self.cache_write
        ) / 1e6


_set: dict[str, Price] = {}


def set_price(
    model: str,
    *,
    input: float,
    output: float,
    cached_input: float | None = None,
    cache_write: float | None = None,
) -> None:
    """Says what a model costs, in dollars for a million tokens, in place of what the package knows.

    Args:
        model: The name as calls spell it.
        input: Of input.
        output: Of output.
        cached_input: Of input that the provider had in its cache; when missing, as `input`.
        cache_write: Of input that it wrote there; when missing, as `input`.

    Example:
        >>> import xcs
        >>> xcs.set_price("my-finetune", input=3.0, output=12.0)
    """
    fields = {"input": input, "output": output, "cached_input": cached_input, "cache_write": cache_write}
    _set[model] = _price(model, {name: value for name, value in fields.items() if value is not None})


def price_of(model: str) -> Price | None:
    """The price of a model; None when it is not known."""
    for table in (_set, _users(os.environ.get("XCS_PRICES", "")), _shipped()):
        for name in (model, _DATE.sub("", model)):
            if name in table:
                return table[name]
    return None


def _price(model: str, fields: dict[str, Any]) -> Price:
    for name, value in fields.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if name not in Price.__dataclass_fields__ or not number or not 0 <= value < 1e9:
            raise UsageError(f"the price of {model}: {name} = {value!r} is no amount of dollars")
    if "input" not in fields or "output" not in fields:
        raise UsageError(f"the price of {model} has to say input and output")
    given = float(fields["input"])
    return Price(
        input=given,
        output=float(fields["output"]),
        cached_input=float(fields.get("cached_input", given)),
        cache_write=float(fields.get("cache_write", given)),
    )


@functools.cache
def _shipped() -> dict[str, Price]:
    return _read(Path(__file__).parent / "prices.toml")


@functools.cache
def _users(path: str) -> dict[str, Price]:
    return _read(Path(path)) if path else {}


def _read(path: Path) -> dict[str, Price]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read prices from {path}: {error}") from None
    return {model: _price(model, fields) for model, fields in table.items()}
