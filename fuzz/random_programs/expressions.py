"""Random expressions of a wanted type."""

from __future__ import annotations

from random_programs.scope import LINE, Class, Draw, Function, Scope, Type, is_mutable

KEYS = ("k", "m", "n", "text", "a")
WORDS = ("a", "b", "c", "", "k", "x y", "B")


class Expressions:
    """Makes expressions over the variables of `scope`."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.scope = Scope()
        self.classes: dict[str, Class] = {}
        self.functions: list[Function] = []
        self.pure = 0  # > 0: no walrus, no yield: inside comprehensions of class bodies and lambdas

    # Types.
    def any_type(self, depth: int = 2) -> Type:
        """A type of data or objects."""
        options = [
            (5.0, "", lambda: "str"),
            (3.0, "", lambda: "int"),
            (0.5, "", lambda: "bool"),
        ]
        if depth > 0:
            options += [
                (3.0, "", lambda: ("list", self.any_type(depth - 1))),
                (2.0, "", lambda: ("dict", self.any_type(depth - 1))),
                (1.0, "set", lambda: ("set", self.draw.pick(("str", "int")))),
                (0.6, "deque", lambda: ("deque", self.any_type(0))),
                (0.5, "counter", lambda: ("counter",)),
                (0.5, "grouped", lambda: ("grouped", self.any_type(0))),
            ]
        if self.classes:
            options.append((2.0, "class", lambda: ("obj", self.draw.pick(list(self.classes)))))
        return self.draw.choose(options)

    def places(self, kind: Type) -> list[str]:
        """Names and attributes that hold a value of the type."""
        found = []
        for name, t in self.scope.visible().items():
            if t == kind or (kind == "any" and t in LINE):
                found.append(name)
            if isinstance(t, tuple) and t[0] == "obj" and t[1] in self.classes:
                found += [f"{name}.{a}" for a, at in self.classes[t[1]].attributes.items() if at == kind]
        if self.draw.chance(0.006, "maybe"):
            found += [name for name, t in self.scope.maybe.items() if t == kind]
        return found

    def place(self, kind: Type) -> str | None:
        """One of them."""
        found = self.places(kind)
        return self.draw.pick(found) if found else None

    def mutable_place(self) -> tuple[str, Type] | None:
        """Something that can be changed, and its type."""
        found = []
        for name, t in self.scope.visible().items():
            if is_mutable(t):
                found.append((name, t))
                if t[0] == "obj":
                    found += [
                        (f"{name}.{a}", at)
                        for a, at in self.classes[t[1]].attributes.items()
                        if is_mutable(at)
                    ]
        return self.draw.pick(found) if found else None

    # Expressions.
    def make(self, kind: Type, depth: int = 2) -> str:
        """An expression of the type."""
        if depth <= 0:
            return (self.draw.chance(0.7) and self.place(kind)) or self.fresh(kind, 0)
        options = [
            (6.0, "", lambda: self.place(kind)),
            (1.0, "", lambda: self.fresh(kind, depth - 1)),
            (0.7, "conditional", lambda: self._conditional(kind, depth)),
            (
                0.3,
                "boolop",
                lambda: (
                    f"({self.make(kind, depth - 1)} {self.draw.pick(('or', 'and'))} {self.make(kind, depth - 1)})"
                ),
            ),
            (2.5, "nestedcall", lambda: self.call_of(kind, depth)),
            (0.5, "item", lambda: self._element(kind, depth)),
            (0.3, "walrus", lambda: self._walrus(kind, depth)),
            (0.3, "lambda", lambda: self._called_lambda(kind, depth)),
            (0.3, "builtin", lambda: self._extreme(kind, depth)),
        ]
        special = getattr(self, f"_{kind if isinstance(kind, str) else kind[0]}_options")
        options += special(kind, depth - 1)
        return self.draw.choose(options) or self.fresh(kind, depth - 1)

    def fresh(self, kind: Type, depth: int) -> str:
        """A literal, display or constructor."""
        draw = self.draw
        if kind == "any":
            return self.make(draw.pick(LINE), depth)
        if kind == "str":
            return repr(draw.pick(WORDS))
        if kind == "int":
            return str(draw.random.randrange(4))
        if kind == "bool":
            return draw.pick(("True", "False"))
        elements = lambda t: ", ".join(self.make(t, depth) for _ in range(draw.pick((0, 1, 1, 2, 3))))  # noqa: E731
        if kind[0] == "list":
            return f"[{elements(kind[1])}]"
        if kind[0] == "dict":
            keys = draw.random.sample(KEYS, draw.random.randrange(3))
            return "{" + ", ".join(f"{k!r}: {self.make(kind[1], depth)}" for k in keys) + "}"
        if kind[0] == "set":
            return f"set([{elements(kind[1])}])" if draw.chance(0.5) else "set()"
        if kind[0] == "deque":
            return f"deque([{elements(kind[1])}]{draw.pick(('', '', ', 2'))})"
        if kind[0] == "counter":
            return "Counter()"
        if kind[0] == "grouped":
            return "defaultdict(list)"
        if kind[0] == "gen":
            return f"iter([{elements(kind[1])}])"
        return self._construct(self.classes[kind[1]], depth)

    def _construct(self, made: Class, depth: int) -> str:
        return f"{made.name}({self.arguments(made.parameters, depth)})"

    def arguments(self, parameters: list, depth: int) -> str:
        """Arguments that fit, some by keyword, some left to their defaults."""
        parts, named = [], False
        for p in parameters:
            if p.default is not None and self.draw.chance(0.5):
                named = True
                continue
            value = self.make(p.type, depth)
            named = named or p.keyword_only or self.draw.chance(0.15, "star")
            parts.append(f"{p.name}={value}" if named else value)
        if parts and not named and self.draw.chance(0.1, "star"):
            parts[-1] = f"*[{parts[-1]}]"
        return ", ".join(parts)

    def _conditional(self, kind: Type, depth: int) -> str:
        return (
            f"({self.make(kind, depth - 1)} if {self.condition(depth - 1)} else {self.make(kind, depth - 1)})"
        )

    def condition(self, depth: int = 1) -> str:
        """Something to branch on: usually a bool, sometimes any truth value."""
        if self.draw.chance(0.3):
            return self.make(self.any_type(1), depth)
        return self.make("bool", depth)

    def _walrus(self, kind: Type, depth: int) -> str | None:
        if self.pure:
            return None
        value = self.make(kind, depth - 1)
        names = [n for n, t in self.scope.variables.items() if t == kind and n not in self.scope.constants]
        if names and self.draw.chance(0.6):
            return f"({self.draw.pick(names)} := {value})"
        name = self.draw.name("w")
        self.scope.maybe[name] = kind
        return f"({name} := {value})"

    def _called_lambda(self, kind: Type, depth: int) -> str:
        name, t = self.draw.name("q"), self.any_type(1)
        given = self.make(t, depth - 1)
        with self.bound({name: t}):
            body = self.make(kind, depth - 1)
        return f"(lambda {name}: {body})({given})"

    def bound(self, names: dict[str, Type]):
        """With names of an inner scope."""
        return _Bound(self, names)

    def _extreme(self, kind: Type, depth: int) -> str | None:
        if kind not in ("str", "int"):
            return None
        name = self.draw.name("q")
        with self.bound({name: kind}):
            key = self.make("int", depth - 1)
        keyed = f", key=lambda {name}: ({key}, {name})" if self.draw.chance(0.5, "sort") else ""
        return f"{self.draw.pick(('min', 'max'))}({self.make(('list', kind), depth - 1)}, default={self.fresh(kind, 0)}{keyed})"

    def _element(self, kind: Type, depth: int) -> str | None:
        for _ in range(3):
            place = self.mutable_place()
            if place is None:
                return None
            name, t = place
            if t[0] in ("list", "deque") and t[1] == kind:
                index = self.draw.pick(("0", "-1", "0", self.make("int", 0)))
                if self.draw.chance(0.25):
                    return f"{name}[{index}]"
                return f"({name}[{index}] if {name} else {self.fresh(kind, 0)})"
            if t[0] == "dict" and t[1] == kind:
                key = self.key(depth)
                if self.draw.chance(0.25):
                    return f"{name}[{key}]"
                return f"{name}.get({key}, {self.fresh(kind, 0)})"
        return None

    def key(self, depth: int) -> str:
        """A dict's key."""
        return repr(self.draw.pick(KEYS)) if self.draw.chance(0.6) else self.make("str", depth - 1)

    # Calls.
    def call_of(self, kind: Type, depth: int) -> str | None:
        """A call of one of the program's functions or methods with that result."""
        limit = 120 / self.scope.trips
        found = [
            ("", f) for f in (*self.functions, *self.scope.functions) if f.returns == kind and f.cost < limit
        ]
        for name, t in self.scope.visible().items():
            if isinstance(t, tuple) and t[0] == "obj" and t[1] in self.classes:
                found += [
                    (f"{name}.", f)
                    for f in self.classes[t[1]].methods
                    if f.returns == kind and f.cost < limit
                ]
        if not found:
            return None
        before, function = self.draw.pick(found)
        self.scope.cost += function.cost * self.scope.trips
        if function.is_property:
            return f"{before}{function.name}"
        return f"{before}{function.name}({self.arguments(function.parameters, depth - 1)})"

    def independent(self, depth: int) -> str:
        """The arguments of an independent call: often something that changes elsewhere."""
        parts = []
        for _ in range(self.draw.pick((1, 1, 1, 2))):
            place = self.mutable_place() if self.draw.chance(0.4) else None
            parts.append(place[0] if place else self.make(self.any_type(1), depth))
        if self.draw.chance(0.1):
            parts[-1] = f"key={parts[-1]}"
        return ", ".join(parts)

    def _str_options(self, kind: Type, depth: int) -> list:
        make = self.make
        return [
            (4.0, "independent", lambda: f"ask({self.independent(depth)})"),
            (1.5, "risky", lambda: f"risky({self.independent(depth)})"),
            (0.7, "client", lambda: f"client.completions.create({self.independent(depth)})"),
            (0.3, "reply", lambda: f"reply({self.independent(depth)}).text"),
            (0.5, "independent", lambda: f"info({self.independent(depth)})['text']"),
            (1.5, "fstring", lambda: self._formatted(depth)),
            (1.0, "", lambda: f"({make('str', depth)} + {make('str', depth)})"),
            (
                1.0,
                "strmethod",
                lambda: (
                    f"{make('str', depth)}{self.draw.pick(('.upper()', '.strip()', '.title()', '[:2]', '[-1:]', '.lower()'))}"
                ),
            ),
            (0.4, "strmethod", lambda: f"{make('str', depth)}.replace({make('str', depth)}, 'z')"),
            (0.8, "join", lambda: f"','.join({make(('list', 'str'), depth)})"),
            (0.6, "join", lambda: f"'|'.join({self.comprehension('str', depth, '(', ')')})"),
            (1.0, "", lambda: f"{self.draw.pick(('str', 'repr'))}({self.data(depth)})[:30]"),
            (0.3, "fstring", lambda: f"'%s:%s' % ({make('any', depth)}, {make('any', depth)})"),
            (
                0.3,
                "reduce",
                lambda: f"functools.reduce(lambda x, y: x + y, {make(('list', 'str'), depth)}, 's')",
            ),
        ]

    def _formatted(self, depth: int) -> str | None:
        one, other = self.make("any", depth), self.data(depth)
        if any(c in one + other for c in '"\\'):
            return None
        return f'f"{{({one})}}-{{({other})!r:.40}}"'

    def has_text(self, kind: Type) -> bool:
        """Whether its text is the same in every run: no addresses."""
        if isinstance(kind, str):
            return True
        return (
            "__repr__" in self.classes[kind[1]].specials
            if kind[0] == "obj"
            else all(map(self.has_text, kind[1:]))
        )

    def data(self, depth: int) -> str:
        """Anything whose text is worth making."""
        place = self.mutable_place()
        if place and self.has_text(place[1]) and self.draw.chance(0.6):
            return place[0] if place[1][0] != "set" else f"sorted({place[0]})"
        return self.make(self.draw.pick(LINE), depth)

    def _int_options(self, kind: Type, depth: int) -> list:
        make = self.make
        return [
            (4.0, "independent", lambda: f"count({self.independent(depth)})"),
            (0.5, "independent", lambda: f"info({self.independent(depth)})['n']"),
            (1.5, "readback", self._size),
            (
                1.0,
                "",
                lambda: f"({make('int', depth)} {self.draw.pick(('+', '-', '*'))} {make('int', depth)})",
            ),
            (0.2, "", lambda: f"({make('int', depth)} {self.draw.pick(('//', '%'))} {make('int', depth)})"),
            (0.6, "", lambda: f"len({make('str', depth)})"),
            (0.5, "sum", lambda: f"sum({self.comprehension('int', depth, '(', ')')})"),
            (0.4, "effect", lambda: f"write({self.data(depth)})"),
            (0.2, "effect", lambda: "written()"),
            (0.3, "random", lambda: "random.randrange(5)"),
            (0.3, "counter", lambda: f"{make(('counter',), 0)}[{make('str', depth)}]"),
            (0.3, "special", self._special_int),
            (0.3, "strmethod", lambda: f"{make('str', depth)}.count('r')"),
            (0.2, "readback", lambda: f"{make(('list', 'str'), depth)}.count({make('str', depth)})"),
        ]

    def _size(self) -> str | None:
        place = self.mutable_place()
        if place is None or (place[1][0] == "obj" and "__len__" not in self.classes[place[1][1]].specials):
            return None
        return f"len({place[0]})"

    def _object_with(self, special: str) -> str | None:
        found = [
            name
            for name, t in self.scope.visible().items()
            if isinstance(t, tuple) and t[0] == "obj" and special in self.classes[t[1]].specials
        ]
        return self.draw.pick(found) if found else None

    def _special_int(self) -> str | None:
        holder = self._object_with("__len__")
        return holder and f"len({holder})"

    def _bool_options(self, kind: Type, depth: int) -> list:
        make = self.make
        same = self.draw.pick(("str", "int"))
        compare = self.draw.pick(("<", ">", "==", "!=", "<=", ">="))
        return [
            (3.0, "independent", lambda: f"yes({self.independent(depth)})"),
            (2.0, "", lambda: f"{make('int', depth)} {compare} {make('int', depth)}"),
            (1.0, "", lambda: f"{make('str', depth)} == {make('str', depth)}"),
            (
                1.0,
                "readback",
                lambda: (
                    f"{make(same, depth)} {self.draw.pick(('in', 'not in'))} {make((self.draw.pick(('list', 'set')), same), depth)}"
                ),
            ),
            (
                1.0,
                "readback",
                lambda: f"{self.key(depth)} in {make(('dict', self.draw.pick(('str', 'int'))), 0)}",
            ),
            (0.6, "", lambda: f"not {self.condition(depth)}"),
            (
                0.6,
                "boolop",
                lambda: f"({make('bool', depth)} {self.draw.pick(('and', 'or'))} {make('bool', depth)})",
            ),
            (0.4, "chain", lambda: f"{make('int', depth)} < {make('int', depth)} <= {make('int', depth)}"),
            (
                0.5,
                "builtin",
                lambda: f"{self.draw.pick(('any', 'all'))}({self.comprehension('bool', depth, '(', ')')})",
            ),
            (0.4, "alias", self._identity),
            (0.5, "strmethod", lambda: f"{make('str', depth)}.startswith({make('str', depth)})"),
            (0.3, "special", lambda: (h := self._object_with("__bool__")) and f"bool({h})"),
            (
                0.3,
                "special",
                lambda: (h := self._object_with("__contains__")) and f"({make('str', depth)} in {h})",
            ),
            (
                0.3,
                "special",
                lambda: (h := self._object_with("__eq__")) and f"({h} == {self._object_with('__eq__')})",
            ),
            (
                0.2,
                "builtin",
                lambda: (
                    f"isinstance({make(self.any_type(1), depth)}, {self.draw.pick(('str', 'int', 'list', '(dict, set)'))})"
                ),
            ),
        ]

    def _identity(self) -> str | None:
        one, other = self.mutable_place(), self.mutable_place()
        return one and other and f"({one[0]} {self.draw.pick(('is', 'is not'))} {other[0]})"

    def iterable(self, kind: Type, depth: int) -> str:
        """Something short whose items have the type."""
        make, draw = self.make, self.draw
        options = [
            (4.0, "", lambda: self.place(("list", kind))),
            (1.0, "", lambda: self.fresh(("list", kind), depth)),
            (2.0, "", lambda: f"[{make(kind, depth)}, {make(kind, depth)}]"),
            (1.0, "generator", lambda: self.call_of(("gen", kind), depth)),
            (0.5, "iter", lambda: f"reversed({make(('list', kind), 0)})"),
            (0.5, "iter", lambda: self.place(("deque", kind)) and f"list({self.place(('deque', kind))})"),
            (0.5, "dictview", lambda: f"{make(('dict', kind), 0)}.values()"),
            (0.5, "comprehension", lambda: self.comprehension(kind, depth, "(", ")")),
            (0.3, "iter", lambda: f"list({make(('list', kind), 0)})"),
            (0.3, "iter", lambda: f"iter({make(('list', kind), 0)})"),
            (0.3, "slice", lambda: f"{make(('list', kind), 0)}[:2]"),
        ]
        if kind == "str":
            options += [
                (1.0, "independent", lambda: f"parts({self.independent(depth)})"),
                (0.7, "dictview", lambda: f"{make(('dict', draw.pick(('str', 'int'))), 0)}"),
                (0.4, "set", lambda: f"sorted({make(('set', 'str'), 0)})"),
                (0.3, "", lambda: "'ab'"),
                (0.3, "special", lambda: self._object_with("__iter__")),
            ]
        if kind == "int":
            options += [(3.0, "", lambda: f"range({draw.pick((1, 2, 3, 3))})")]
        return draw.choose(options) or self.fresh(("list", kind), depth)

    def comprehension(self, kind: Type, depth: int, start: str, end: str, value: Type = None) -> str:
        """A comprehension between brackets; with `value`, a dict's."""
        item, name = self.draw.pick(("str", "int", self.any_type(1))), self.draw.name("c")
        self.pure += 1
        source = self.iterable(item, depth - 1)
        with self.bound({name: item}):
            made = self.make(kind, depth)
            if value is not None:
                made += f": {self.make(value, depth)}"
            test = f" if {self.condition(depth)}" if self.draw.chance(0.25) else ""
        self.pure -= 1
        if start == "(" and end == ")" and self.draw.chance(0.4):
            start, end = "[", "]"
        return f"{start}{made} for {name} in {source}{test}{end}"

    def _list_options(self, kind: Type, depth: int) -> list:
        make, item = self.make, kind[1]
        options = [
            (2.0, "comprehension", lambda: self.comprehension(item, depth, "[", "]")),
            (0.6, "", lambda: f"({make(kind, depth)} + {make(kind, depth)})"),
            (0.6, "iter", lambda: f"list({self.iterable(item, depth)})"),
            (0.4, "slice", lambda: f"{make(kind, depth)}[{self.draw.pick(('1:', ':2', '::-1', ':-1'))}]"),
            (0.3, "lambda", lambda: self._mapped(item, depth)),
            (0.3, "iter", lambda: self._filtered(item, depth)),
        ]
        if item in ("str", "int"):
            name = self.draw.name("q")
            options += [
                (0.6, "sort", lambda: f"sorted({self.iterable(item, depth)})"),
                (
                    0.4,
                    "sort",
                    lambda: (
                        f"sorted({make(kind, depth)}, key=lambda {name}: (len(str({name})), count({name})))"
                    ),
                ),
            ]
        if item == "str":
            options += [
                (1.5, "independent", lambda: f"parts({self.independent(depth)})"),
                (
                    0.4,
                    "strmethod",
                    lambda: f"{make('str', depth)}.split({self.draw.pick(('', repr(','), repr('r')))})",
                ),
                (0.4, "independent", lambda: f"info({self.independent(depth)})['tags']"),
            ]
        return options

    def _mapped(self, item: Type, depth: int) -> str:
        name, t = self.draw.name("q"), self.draw.pick(("str", "int"))
        source = self.iterable(t, depth)
        with self.bound({name: t}):
            return f"list(map(lambda {name}: {self.make(item, depth)}, {source}))"

    def _filtered(self, item: Type, depth: int) -> str:
        name = self.draw.name("q")
        source = self.iterable(item, depth)
        with self.bound({name: item}):
            return f"list(filter(lambda {name}: {self.condition(depth)}, {source}))"

    def _dict_options(self, kind: Type, depth: int) -> list:
        return [
            (1.5, "comprehension", lambda: self.comprehension("str", depth, "{", "}", kind[1])),
            (
                0.4,
                "",
                lambda: f"{{**{self.make(kind, depth)}, {self.key(depth)}: {self.make(kind[1], depth)}}}",
            ),
            (0.2, "", lambda: f"dict({self.make(kind, depth)})"),
            (
                0.2,
                "zip",
                lambda: f"dict(zip({self.make(('list', 'str'), depth)}, {self.iterable(kind[1], depth)}))",
            ),
        ]

    def _set_options(self, kind: Type, depth: int) -> list:
        return [
            (1.0, "comprehension", lambda: self.comprehension(kind[1], depth, "{", "}")),
            (0.4, "", lambda: f"({self.make(kind, depth)} {self.draw.pick('|&-')} {self.make(kind, depth)})"),
            (0.4, "", lambda: f"set({self.make(('list', kind[1]), depth)})"),
        ]

    def _deque_options(self, kind: Type, depth: int) -> list:
        return [(0.4, "", lambda: f"deque({self.make(('list', kind[1]), depth)})")]

    def _counter_options(self, kind: Type, depth: int) -> list:
        return [(0.6, "", lambda: f"Counter({self.make(('list', 'str'), depth)})")]

    def _grouped_options(self, kind: Type, depth: int) -> list:
        return []

    def _any_options(self, kind: Type, depth: int) -> list:
        return [(2.0, "", lambda: self.make(self.draw.pick(LINE), depth))]

    def _obj_options(self, kind: Type, depth: int) -> list:
        made = self.classes[kind[1]]
        options = [(1.0, "", lambda: self._construct(made, depth))]
        if "__add__" in made.specials:
            options.append(
                (0.5, "special", lambda: f"({self.make(kind, depth)} + {self.make('str', depth)})")
            )
        return options

    def _gen_options(self, kind: Type, depth: int) -> list:
        return [(1.0, "comprehension", lambda: self.comprehension(kind[1], depth, "(", ")"))]


class _Bound:
    def __init__(self, owner: Expressions, names: dict[str, Type]) -> None:
        self.owner, self.names = owner, names

    def __enter__(self) -> None:
        self.owner.scope.borrowed = {**self.owner.scope.borrowed, **self.names}

    def __exit__(self, *_: object) -> None:
        for name in self.names:
            self.owner.scope.borrowed.pop(name, None)
