"""Random functions and classes, and the whole program."""

from __future__ import annotations

from random_programs.idioms import Lines, indent
from random_programs.scope import Class, Draw, Function, Parameter, Scope, Type
from random_programs.snippets import IMPORTS, PRELUDES
from random_programs.statements import Statements

PRELUDE = """\
import contextlib
import functools
import io
import itertools
import random
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

from random_programs.world import (
    ToolError, ask, client, count, info, logger, parts, record, reply, risky, write, written, yes,
)
"""

MANAGED = """\
@contextlib.contextmanager
def managed(name):
    record(f"begin {name}")
    try:
        yield ask(name)
    finally:
        record(f"end {name}")
"""

DECORATORS = """\
def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        record(function.__name__)
        return function(*args, **kwargs)

    return wrapper


def retried(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for attempt in range(2):
            try:
                return function(*args, **kwargs)
            except ToolError as error:
                if attempt == 1:
                    raise
                record(str(error))

    return wrapper


def remembered(function):
    known = {}

    @functools.wraps(function)
    def wrapper(*args):
        key = repr(args)
        if key in known:
            return known[key]
        known[key] = function(*args)
        return known[key]

    return wrapper
"""


class Definitions(Statements):
    """Makes functions, classes and programs."""

    def parameters(self, least: int = 0) -> list[Parameter]:
        """Those of a function; defaults last."""
        made, defaults = [], False
        for _ in range(self.draw.random.randrange(least, 4)):
            kind = self.any_type()
            defaults = defaults or self.draw.chance(0.2, "default")
            default = self.fresh(kind, 0) if defaults else None
            made.append(Parameter(self.draw.name("a"), kind, default))
        return made

    def signature(self, parameters: list[Parameter], first: str = "") -> str:
        """The text between a definition's parentheses."""
        parts = [first] if first else []
        for i, p in enumerate(parameters):
            if p.keyword_only and not any(q.keyword_only for q in parameters[:i]):
                parts.append("*")
            parts.append(p.name if p.default is None else f"{p.name}={p.default}")
        return ", ".join(parts)

    def function(
        self,
        name: str,
        parameters: list[Parameter],
        returns: Type,
        most: int,
        owner: str = "",
        *,
        is_coroutine: bool = False,
    ) -> tuple[Lines, Function]:
        """A definition, and how it is called."""
        outer = self.scope
        scope = Scope(outer, returns)
        scope.variables = {p.name: p.type for p in parameters}
        first = ""
        if owner:
            first = "self"
            scope.variables["self"] = ("obj", owner)
            scope.constants.add("self")
        generator = isinstance(returns, tuple) and returns[0] == "gen"
        scope.generator = generator
        scope.is_coroutine = is_coroutine
        head: Lines = []
        shared = [n for n, t in scope.borrowed.items() if n not in scope.variables]
        if outer.depth == 0 and outer.outer is None:  # a function of the module
            if shared and self.draw.chance(0.4, "global"):
                names = [n for n in shared if n.startswith("G")][:2]
                if names:
                    head.append(f"global {', '.join(names)}")
                    scope.globals.update(names)
        elif shared and self.draw.chance(0.5, "nonlocal"):
            names = [
                n
                for n in shared
                if n in outer.variables and n not in outer.constants and n not in outer.globals
            ][:3]
            if names:
                head.append(f"nonlocal {', '.join(names)}")
                scope.nonlocals.update(names)
        self.scope = scope
        pure, self.pure = self.pure, 0
        plain = not owner and not generator and not is_coroutine
        recursive = self._recursion(name, parameters, returns) if plain else []
        body = self.body(most)
        if generator and not any("yield" in line for line in body):
            body += self._yield()
        if not generator and returns is not None:
            body.append(f"return{self.result()}")
        self.pure = pure
        self.scope = outer
        made = Function(name, parameters, returns, cost=scope.cost)
        if recursive:
            made.parameters = [*parameters, Parameter("depth", "int", "2")]
            made.cost *= 3
        lines = [
            f"{'async ' if is_coroutine else ''}def {name}({self.signature(made.parameters, first)}):",
            *indent([*head, *recursive, *body]),
        ]
        return lines, made

    def _recursion(self, name: str, parameters: list[Parameter], returns: Type) -> Lines:
        if returns is None or not self.draw.chance(0.15, "recursion"):
            return []
        self.scope.variables["depth"] = "int"
        self.scope.constants.add("depth")
        given = ", ".join([*(self.make(p.type, 1) for p in parameters), "depth=depth - 1"])
        result = self.draw.name("v")
        end = self.fresh(returns, 0)
        self.scope.variables[result] = returns
        return [
            "if depth <= 0:",
            f"    return {end}",
            f"{result} = {name}({given})",
            f"record({result})",
        ]

    def nested_function(self) -> Lines | None:
        """A function inside the current one, with what it shares."""
        if self.scope.depth > 2 or self.scope.generator:
            return None
        returns = self.draw.pick(("str", "int", ("list", "str"), "bool", None, ("gen", "str")))
        lines, made = self.function(self.draw.name("f"), self.parameters(), returns, 3)
        self.scope.functions.append(made)
        return self._decorators(returns, made) + lines

    def _decorators(self, returns: Type, made: Function) -> Lines:
        if (isinstance(returns, tuple) and returns[0] == "gen") or not self.draw.chance(0.25, "decorator"):
            return []
        if any(p.keyword_only for p in made.parameters):
            return []
        name = self.draw.pick(("logged", "retried", "remembered", "cached"))
        if name == "cached":
            if not all(isinstance(p.type, str) for p in made.parameters):
                return []
            return ["@functools.lru_cache(None)"]
        if name == "remembered":
            if any(not isinstance(p.type, str) for p in made.parameters):
                return []
            made.parameters = [Parameter(p.name, p.type) for p in made.parameters if p.default is None]
        return [f"@{name}"]

    def module_function(self) -> Lines:
        """A function of the module."""
        returns = self.draw.pick(
            (
                "str",
                "str",
                "int",
                ("list", "str"),
                ("dict", "str"),
                "bool",
                None,
                ("gen", "str"),
                ("gen", "int"),
            )
        )
        if isinstance(returns, tuple) and returns[0] == "gen" and not self.draw.weights["generator"]:
            returns = "str"
        lines, made = self.function(self.draw.name("h"), self.parameters(), returns, 5)
        lines = self._decorators(returns, made) + lines
        self.functions.append(made)
        return lines

    # Classes.
    def class_definition(self) -> Lines:
        """A class with attributes, methods and special methods."""
        name = self.draw.name("C")
        if self.draw.chance(0.25, "dataclass"):
            return self._data_class(name)
        base = (
            self.draw.pick(list(self.classes)) if self.classes and self.draw.chance(0.4, "inherit") else None
        )
        attributes = dict(self.classes[base].attributes) if base else {}
        own = {self.draw.name("x"): self.any_type() for _ in range(self.draw.random.randrange(1, 4))}
        made = Class(name, {**attributes, **own})
        if base:
            made.methods = list(self.classes[base].methods)
            made.specials = set(self.classes[base].specials)
        parameter = Parameter(self.draw.name("a"), self.draw.pick(("str", self.any_type())))
        made.parameters = [parameter]
        lines = [f"class {name}{f'({base})' if base else ''}:"]
        if self.draw.chance(0.2, "slots") and not base:
            lines.append(f"    __slots__ = {tuple(own)!r}")
        elif self.draw.chance(0.3, "classvar"):
            made.counter = self.draw.name("z")
            lines.append(f"    {made.counter} = 0")
        body = self._constructor(made, base, own, parameter)
        self.classes[name] = made
        for _ in range(self.draw.random.randrange(0, 3)):
            body += ["", *self._method(made)]
        for special in self._specials(made):
            body += ["", *special]
        return lines + indent(body)

    def _constructor(
        self, made: Class, base: str | None, own: dict[str, Type], parameter: Parameter
    ) -> Lines:
        scope = Scope(self.scope)
        scope.variables[parameter.name] = parameter.type
        outer, self.scope = self.scope, scope
        lines = []
        if base:
            given = self.arguments(self.classes[base].parameters, 1)
            lines.append(f"super().__init__({given})")
        for attribute, kind in own.items():
            lines.append(f"self.{attribute} = {self.make(kind, 1)}")
        if made.counter:
            lines.append(f"{made.name}.{made.counter} += 1")
        if self.draw.chance(0.2, "record"):
            lines.append(f"record({parameter.name})")
        self.scope = outer
        return [f"def __init__(self, {parameter.name}):", *indent(lines)]

    def _method(self, made: Class) -> Lines:
        returns = self.draw.pick(("str", "str", "int", ("list", "str"), None, ("gen", "str")))
        if self.draw.chance(0.2, "property"):
            returns = self.draw.pick(("str", "int"))
            lines, method = self.function(self.draw.name("p"), [], returns, 2, made.name)
            method.is_property = True
            lines.insert(0, "@property")
        else:
            lines, method = self.function(self.draw.name("m"), self.parameters(), returns, 4, made.name)
        made.methods.append(method)
        return lines

    def _specials(self, made: Class) -> list[Lines]:
        key = Parameter("key", "str")
        other = Parameter("other", ("obj", made.name))
        shapes: list[tuple[str, list[Parameter], Type]] = [
            ("__len__", [], "int"),
            ("__bool__", [], "bool"),
            ("__eq__", [other], "bool"),
            ("__contains__", [key], "bool"),
            ("__getitem__", [key], "str"),
            ("__setitem__", [key, Parameter("value", "str")], None),
            ("__call__", [key], "str"),
            ("__add__", [key], ("obj", made.name)),
            ("__iadd__", [key], ("obj", made.name)),
            ("__lt__", [other], "bool"),
            ("__iter__", [], ("gen", "str")),
            ("__repr__", [], "str"),
            ("__getattr__", [Parameter("name", "str")], "str"),
        ]
        lines = []
        for name, parameters, returns in shapes:
            if not self.draw.chance(0.12, "special"):
                continue
            if name == "__getattr__":
                lines.append(
                    ["def __getattr__(self, name):", "    record(name)", "    raise AttributeError(name)"]
                )
                continue
            text, function = self.function(name, parameters, returns, 2, made.name)
            if name == "__len__":
                text[-1] = "    return abs(int(" + text[-1].strip()[7:] + "))"
            if name == "__iadd__":
                text[-1] = "    return self"
            made.specials.add(name)
            if name == "__call__":
                made.methods.append(Function("__call__", parameters, returns, function.cost))
            lines.append(text)
            if name == "__eq__":
                lines.append(["def __hash__(self):", f"    return {self.draw.pick(('1', 'count(1)', '2'))}"])
        if self.draw.chance(0.4, "with"):
            made.specials.add("__enter__")
            scope = Scope(self.scope)
            scope.variables["self"] = ("obj", made.name)
            outer, self.scope = self.scope, scope
            enter = self.draw.pick(
                (
                    f"record({self.make('any', 1)})",
                    f"write({self.make('any', 2)})",
                    "pass",
                    f"ask({self.independent(1)})",
                )
            )
            leave = self.draw.pick(
                (f"record({self.make('any', 1)})", f"write({self.make('any', 2)})", "record(repr(value))")
            )
            swallow = self.draw.pick(
                ("", "return True", "return kind is ToolError", f"return {self.make('bool', 2)}")
            )
            self.scope = outer
            lines.append(["def __enter__(self):", f"    {enter}", "    return self"])
            lines.append(
                [
                    "def __exit__(self, kind, value, traceback):",
                    f"    {leave}",
                    *([f"    {swallow}"] if swallow else []),
                ]
            )
        return lines

    def _data_class(self, name: str) -> Lines:
        made = Class(name, {})
        lines = ["@dataclass", f"class {name}:"]
        for i in range(self.draw.pick((1, 2, 3))):
            attribute, kind = self.draw.name("x"), self.any_type()
            made.attributes[attribute] = kind
            default = None
            if (i and self.draw.chance(0.7)) or (i and made.parameters[-1].default):
                text = self.fresh(kind, 0)
                default = text if isinstance(kind, str) else f"field(default_factory=lambda: {text})"
            made.parameters.append(Parameter(attribute, kind, default))
            lines.append(f"    {attribute}: object" + (f" = {default}" if default else ""))
        made.specials.add("__eq__")
        if all(map(self.has_text, made.attributes.values())):
            made.specials.add("__repr__")
        self.classes[name] = made
        for _ in range(self.draw.pick((0, 1))):
            lines += ["", *indent(self._method(made))]
        return lines

    # Programs.
    def program(self) -> str:
        """The text of a whole program."""
        lines = [*PRELUDE.splitlines(), *IMPORTS.splitlines()]
        top = self.scope
        for part in (MANAGED, DECORATORS):
            lines += ["", "", *part.splitlines()]
        for feature, text in PRELUDES.items():
            if self.draw.weights[feature]:
                lines += ["", "", *text.splitlines()]
        lines += ["", "", f"rng = random.Random({self.draw.random.randrange(9)})"]
        for _ in range(self.draw.pick((0, 0, 1, 2))):
            if self.draw.weights["class"]:
                lines += ["", "", *self.class_definition()]
        for _ in range(self.draw.pick((0, 1, 2, 3))):
            name, kind = self.draw.name("G"), self.any_type()
            lines.append(
                f"{name} = {self.fresh(kind, 0)}"
                if not (isinstance(kind, tuple) and kind[0] == "obj")
                else f"{name} = None"
            )
            if not (isinstance(kind, tuple) and kind[0] == "obj"):
                top.variables[name] = kind
                top.constants.discard(name)
        for _ in range(self.draw.pick((0, 1, 1, 2, 3))):
            lines += ["", "", *self.module_function()]
        lines += ["", "", *self._main()]
        return "\n".join(lines) + "\n"

    def _main(self) -> Lines:
        parameters = self.parameters(1)
        for p in parameters:
            p.default = None
        self.left = max(self.left, self.draw.random.randrange(8, 30))
        returns = self.draw.pick(("str", ("list", "str"), ("dict", "str"), self.any_type()))
        is_coroutine = self.draw.chance(0.1, "async")
        lines, _ = self.function("main", parameters, returns, 14, is_coroutine=is_coroutine)
        # What the arguments share: the last of two of one type may be the first.
        make, names = [], []
        for p in parameters:
            same = [q for q in names if q[1] == p.type and isinstance(p.type, tuple)]
            name = f"given_{p.name}"
            value = same[0][0] if same and self.draw.chance(0.4) else self._argument(p.type)
            make.append(f"{name} = {value}")
            names.append((name, p.type))
        make.append(f"return ({', '.join(name for name, _ in names)},)")
        return ["def make():", *indent(make), "", "", *lines]

    def _argument(self, kind: Type) -> str:
        """A value of the type with something in it, made without independent calls."""
        pick = self.draw.pick
        if kind == "str":
            return repr(pick(("q", "a", "b c")))
        if kind == "int":
            return str(pick((0, 1, 2, 3)))
        if kind == "bool":
            return pick(("True", "False"))
        if kind[0] in ("list", "deque"):
            inner = "[" + ", ".join(self._argument(kind[1]) for _ in range(pick((0, 1, 2, 3, 3)))) + "]"
            return inner if kind[0] == "list" else f"deque({inner})"
        if kind[0] == "dict":
            keys = self.draw.random.sample(("k", "m", "n", "text", "a"), pick((0, 1, 2)))
            return "{" + ", ".join(f"{k!r}: {self._argument(kind[1])}" for k in keys) + "}"
        if kind[0] == "set":
            return "set([" + ", ".join(self._argument(kind[1]) for _ in range(pick((0, 1, 2)))) + "])"
        if kind[0] == "counter":
            return "Counter('aab')"
        if kind[0] == "grouped":
            return "defaultdict(list)"
        made = self.classes[kind[1]]
        return (
            f"{made.name}({', '.join(self._argument(p.type) for p in made.parameters if p.default is None)})"
        )


def generate(seed: int) -> str:
    """The program of a seed."""
    return Definitions(Draw(seed)).program()
