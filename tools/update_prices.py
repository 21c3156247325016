"""Writes python/xcs/prices.toml from the prices in the package genai-prices.

    pip install genai-prices && python tools/update_prices.py

Of a price with tiers, the dearest counts: a budget that holds with it holds with every tier.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from pathlib import Path
from typing import Any, TypeGuard

TARGET = Path(__file__).parents[1] / "python" / "xcs" / "prices.toml"
PROVIDERS = ("anthropic", "openai")

HEADER = """\
# Dollars for a million tokens, by model. Written by tools/update_prices.py from genai-prices {version}; of a price with
# tiers, the dearest. A name without its date or "-latest" stands for the names with one. XCS_PRICES names a file of the
# same form that counts before this one.

"""


def dearest(price: Any) -> float | None:
    """A price in dollars; None when there is none."""
    if price is None:
        return None
    tiers = getattr(price, "tiers", None)
    if tiers is None:
        return float(price)
    return float(max([price.base, *(tier.price for tier in tiers)]))


def latest(prices: Any) -> Any:
    """Of prices that change on a date, the last."""
    return prices[-1].prices if is_list(prices) else prices


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def names_of(model: Any) -> list[str]:
    """The model's id, and further names that are spelled out in how it is matched."""
    names = {re.sub(r"-latest$", "", model.id)}
    clauses = getattr(model.match, "or_", [model.match])
    for clause in clauses:
        equal = getattr(clause, "equals", None)
        if equal is not None and "@" not in equal and "/" not in equal:
            names.add(equal)
    return sorted(names)


def lines() -> list[str]:
    """One line for each name of a model that is paid for by text tokens."""
    found: dict[str, str] = {}
    for provider in importlib.import_module("genai_prices.data").providers:
        if provider.id not in PROVIDERS:
            continue
        for model in provider.models:
            prices = latest(model.prices)
            given = {
                "input": dearest(prices.input_mtok),
                "output": dearest(prices.output_mtok),
                "cached_input": dearest(prices.cache_read_mtok),
                "cache_write": dearest(prices.cache_write_mtok),
            }
            if given["input"] is None:
                continue
            given["output"] = given["output"] or 0.0
            fields = ", ".join(f"{name} = {value:g}" for name, value in given.items() if value is not None)
            for name in names_of(model):
                line = f'"{name}" = {{ {fields} }}'
                found[name] = line if name == model.id else found.get(name, line)
    return [found[name] for name in sorted(found)]


if __name__ == "__main__":
    version = importlib.metadata.version("genai-prices")
    TARGET.write_text(HEADER.format(version=version) + "\n".join(lines()) + "\n")
