"""Types of random expressions, the variables in scope, and how a program's features are drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

# A type is "str", "int", "bool", "any" (plain data), or a tuple: ("list", T), ("dict", T) with string keys,
# ("set", T), ("deque", T), ("counter",), ("grouped", T) for a defaultdict of lists, ("obj", class name).
Type = Any
Option = tuple[float, str, Callable[[], Any]]

LINE = "str", "int", "bool"
MUTABLE = "list", "dict", "set", "deque", "counter", "grouped", "obj"


def is_mutable(kind: Type) -> bool:
    """Whether values of the type can be changed."""
    return isinstance(kind, tuple) and kind[0] in MUTABLE


@dataclass
class Parameter:
    """A parameter of a random function."""

    name: str
    type: Type
    default: str | None = None
    keyword_only: bool = False


@dataclass
class Function:
    """A function that a random program may call.

    Attributes:
        name: How it is called, after an object and a dot for methods.
        returns: The type of its result; ("gen", T) for generators.
        cost: About how many statements a call runs.
    """

    name: str
    parameters: list[Parameter]
    returns: Type
    cost: float = 1
    is_property: bool = False


@dataclass
class Class:
    """A class of a random program."""

    name: str
    attributes: dict[str, Type]
    methods: list[Function] = field(default_factory=list)
    specials: set[str] = field(default_factory=set)
    parameters: list[Parameter] = field(default_factory=list)
    counter: str | None = None
    frozen: bool = False


class Scope:
    """The variables of one function, block by block."""

    def __init__(self, outer: Scope | None = None, returns: Type = None) -> None:
        self.outer = outer
        self.returns = returns
        self.variables: dict[str, Type] = {}
        self.maybe: dict[str, Type] = {}  # may be unbound
        self.borrowed: dict[str, Type] = {}  # of functions around it
        self.constants: set[str] = set()  # not to be assigned
        self.nonlocals: set[str] = set()
        self.globals: set[str] = set()
        self.functions: list[Function] = []
        self.loops = 0
        self.generator = False
        self.is_coroutine = False
        self.depth = 0
        self.handlers = 0
        self.trips = 1.0
        self.cost = 1.0
        if outer is not None:
            self.borrowed = {**outer.borrowed, **outer.variables}

    def visible(self) -> dict[str, Type]:
        """All names that can be read."""
        return {**self.borrowed, **self.variables}

    def block(self) -> Iterator[None]:
        """A generator to run through: what is bound between its two steps may be unbound after it."""
        before, functions = dict(self.variables), len(self.functions)
        yield
        for name, kind in self.variables.items():
            if name not in before:
                self.maybe[name] = kind
        self.variables = before
        del self.functions[functions:]


FEATURES = """
independent client risky reply effect record print log random rebind augmented alias attr item slice del
mutate if for while break continue else return try finally raise with comprehension lambda nested closure
nonlocal global default star decorator match assert walrus generator send close yieldfrom recursion class
property special dataclass inherit slots classvar cache retry messages readback sort builtin unpack
starred maybe conditional boolop chain fstring strmethod stringio join enumerate zip sum nestedcall
loopvar handler contextlib partial reduce iter dictview grouped counter deque set tuple counterloop
named operators descriptors file itertools formats bits chained throw late environment threads jit async
""".split()  # noqa: SIM905 - a table


class Draw:
    """Random choices, with weights of features that differ from program to program."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Few features at a time meet more often than all of them.
        left_out = self.random.choice((0.2, 0.5, 0.8))
        self.weights = {
            name: 0.0 if self.random.random() < left_out else self.random.choice((0.3, 1.0, 2.5, 8.0))
            for name in FEATURES
        }
        self.weights["independent"] = self.random.choice((1.0, 2.0))
        self._names = 0

    def name(self, start: str) -> str:
        """A name that the program does not have yet."""
        self._names += 1
        return f"{start}{self._names}"

    def chance(self, probability: float, feature: str | None = None) -> bool:
        """True with the probability times the feature's weight."""
        return self.random.random() < probability * (1.0 if feature is None else self.weights[feature])

    def pick(self, items: Sequence[Any]) -> Any:
        """One of them."""
        return items[self.random.randrange(len(items))]

    def choose(self, options: list[Option]) -> Any:
        """What one of the options makes; those that make None are drawn again."""
        left = [(weight * (self.weights[name] if name else 1.0), make) for weight, name, make in options]
        left = [option for option in left if option[0] > 0]
        while left:
            at = self.random.choices(range(len(left)), [weight for weight, _ in left])[0]
            made = left[at][1]()
            if made is not None:
                return made
            del left[at]
        return None
