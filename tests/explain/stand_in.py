"""What the examples of docs/reasons.md call: a slow, independent call, and an effect that happens in order."""

from __future__ import annotations

import xcs

QUESTIONS = ("one", "two?", "three")

NOTES: list[str] = []


@xcs.op(effect="independent", returns="data")
def ask(prompt: object) -> str:
    """Stands for a call of a language model."""
    return f"{prompt}!"


@xcs.op(effect="ordered", resource="notes", returns="atom")
def note(text: str) -> None:
    """Stands for an effect whose order matters."""
    NOTES.append(text)
