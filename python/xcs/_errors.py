"""The exceptions of the package."""

from __future__ import annotations


class XcsError(Exception):
    """What the package itself raises; exceptions of the user's code are never wrapped in it."""


class UsageError(XcsError, TypeError):
    """The package was asked for something that cannot work."""
