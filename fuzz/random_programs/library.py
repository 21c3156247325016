"""Statements of the texts in snippets."""

from __future__ import annotations

import re

from random_programs.idioms import Idioms, Lines
from random_programs.scope import Option, Type
from random_programs.snippets import ASYNC_TEXTS, TEXTS

_HOLE = re.compile(r"<(\w+)(?:([=~])(\w+))?>")
_TYPES: dict[str, Type] = {
    "str": "str",
    "int": "int",
    "bool": "bool",
    "any": "any",
    "strs": ("list", "str"),
    "ints": ("list", "int"),
    "dict": ("dict", "str"),
}


class Library(Idioms):
    """Makes statements of texts with holes."""

    def library_options(self) -> list[Option]:
        """What `choose` is given."""
        options: list[Option] = [
            (0.25, feature, lambda text=text: self._filled(text)) for feature, text in TEXTS
        ]
        if self.scope.is_coroutine:
            options += [(0.8, "async", lambda text=text: self._filled(text)) for text in ASYNC_TEXTS]
        return options

    def _filled(self, text: str) -> Lines:
        names: dict[str, str] = {}
        bound: dict[str, Type] = {}
        perhaps: dict[str, Type] = {}
        self.pure += 1

        def fill(hole: re.Match[str]) -> str:
            word, how, kind = hole.groups()
            if how is None and word in _TYPES:
                made = self.make(_TYPES[word], 1)
                # Inside an f-string, no quote and no brace may come from a hole.
                return made if made.isidentifier() else f"({made})"
            if how is None and word == "args":
                return self.independent(1)
            if how is not None:
                (bound if how == "=" else perhaps)[names.setdefault(word, self.draw.name("v"))] = _TYPES[kind]
            return names.setdefault(word, self.draw.name("v"))

        lines: Lines = []
        for line in text.split("\n"):
            if line.strip() == "<block>":
                before = " " * (len(line) - len(line.lstrip()) - 4)
                lines += [before + made for made in self.block(2)]
            elif "f'" in line:
                lines.append(_HOLE.sub(lambda hole: self._inside_text(hole, fill), line))
            else:
                lines.append(_HOLE.sub(fill, line))
        self.pure -= 1
        self.scope.variables |= bound
        self.scope.maybe |= perhaps
        return lines

    def _inside_text(self, hole: re.Match[str], fill) -> str:
        """As `fill`, but what is made has no quotes or braces where the language does not allow them."""
        for _ in range(20):
            made = fill(hole)
            if not any(c in made for c in "'\"\\{}:!="):
                return made
        return "0"
