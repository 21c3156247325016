# ruff: noqa
# mypy: ignore-errors
"""Structured extraction: JSON answers parsed, validated into dataclasses, with a regular expression to fall back on."""

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Optional

from programs.world import llm


class Sentiment(Enum):
    GOOD = "good"
    BAD = "bad"


@dataclass
class Invoice:
    vendor: str
    amount: int
    sentiment: Sentiment
    note: Optional[str] = None

    def __post_init__(self):
        if self.amount < 1:
            raise ValueError(f"amount must be positive, not {self.amount}")


class ParseFailure(Exception):
    pass


def parse_json(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        match = re.search(r"\{.*\}", text, re.DOTALL)
        if match:
            return json.loads(match.group(0))
        raise ParseFailure(f"no JSON in {text[:12]!r}") from None


def extract(mail):
    text = llm(
        f"Extract from: {mail} [json: vendor=word, amount=number, sentiment=good|bad]", garbage_rate=0.35
    )
    data = parse_json(text)
    return Invoice(data["vendor"], int(data["amount"]), Sentiment(data["sentiment"]))


def main(workdir):
    mails = [
        f"Dear all, invoice {i} for {w}"
        for i, w in enumerate(["copper", "timber", "flint", "opal", "zinc", "salt", "reed"])
    ]
    invoices, problems = [], []
    for i, mail in enumerate(mails):
        try:
            invoice = extract(mail)
        except ParseFailure as e:
            print(f"mail {i}: {e}")
            problems.append((i, "parse"))
            continue
        except (ValueError, KeyError) as e:
            print(f"mail {i} is invalid: {e}")
            problems.append((i, type(e).__name__))
            continue
        if invoice.sentiment is Sentiment.BAD:
            invoice.note = llm(f"A soothing reply to {invoice.vendor}")
        invoices.append(invoice)
    total = sum(invoice.amount for invoice in invoices)
    print(f"{len(invoices)} invoices, total {total}, problems {problems}")
    return invoices, total
