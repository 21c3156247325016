"""Random statements: lists of source lines."""

from __future__ import annotations

from random_programs.expressions import KEYS
from random_programs.idioms import Lines, indent
from random_programs.library import Library
from random_programs.scope import Draw, Type

ERRORS = ("ToolError", "ValueError", "KeyError", "IndexError", "TypeError", "ZeroDivisionError")


class Statements(Library):
    """Makes statements in `scope`."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(draw)
        self.left = draw.random.randrange(10, 70)  # statements

    def body(self, most: int) -> Lines:
        """Statements of one block, at least one."""
        lines: Lines = []
        for _ in range(self.draw.random.randrange(1, most + 1)):
            if self.left <= 0 and lines:
                break
            self.left -= 1
            self.scope.cost += self.scope.trips
            lines += self.statement()
            if lines[-1].startswith(("return", "break", "continue", "raise")):
                break
        return lines

    def block(self, most: int = 3) -> Lines:
        """A nested block, indented."""
        self.scope.depth += 1
        steps = self.scope.block()
        next(steps)
        lines = self.body(most if self.scope.depth < 4 else 1)
        next(steps, None)
        self.scope.depth -= 1
        return indent(lines)

    def statement(self) -> Lines:
        """One statement, or an idiom of a few."""
        nest = 1.0 if self.scope.depth < 4 and self.left > 0 else 0.0
        loops = nest if self.scope.trips <= 6 else 0.0
        inside = 1.0 if self.scope.loops else 0.0
        options = [
            (4.0, "", self._assign),
            (1.5, "rebind", self._rebind),
            (1.0, "augmented", self._augmented),
            (3.0, "mutate", self._mutate),
            (1.0, "item", self._store_item),
            (1.0, "attr", self._store_attribute),
            (0.5, "alias", self._alias),
            (0.4, "del", self._delete),
            (0.4, "slice", self._store_slice),
            (0.5, "unpack", self._unpack),
            (0.7, "effect", lambda: [f"write({self.data(2)})"]),
            (0.7, "record", lambda: [f"record({self.make(self.any_type(1), 2)})"]),
            (0.6, "print", lambda: [f"print({self.data(1)}, {self.make('any', 1)})"]),
            (0.4, "log", lambda: [f"logger.info('n %s', {self.make('any', 1)})"]),
            (0.6, "independent", lambda: [f"ask({self.independent(1)})"]),
            (0.7, "nestedcall", self._call),
            (1.8 * nest, "if", self._if),
            (2.2 * loops, "for", self._for),
            (0.7 * loops, "while", self._while),
            (1.5 * nest, "try", self._try),
            (0.7 * nest, "with", self._with),
            (0.5 * nest, "match", self._match),
            (0.7 * inside, "break", lambda: self._exit("break")),
            (0.7 * inside, "continue", lambda: self._exit("continue")),
            (0.5, "return", self._return),
            (0.3, "raise", self._raise),
            (0.2, "assert", lambda: [f"assert {self.condition()}, {self.make('any', 1)}"]),
            (0.6 * nest, "cache", self._cached),
            (0.5 * loops, "retry", self._retried),
            (0.8, "messages", self._message),
            (0.5, "sort", self._sort),
            (0.6, "generator", self._generator_use),
            (0.4, "iter", self._iterator_use),
            (1.0 * loops, "messages", self._collected),
            (0.7 * nest, "readback", self._progress),
            (0.5 * loops, "closure", self._late),
            (0.5 * nest, "star", self._spread),
            (0.4 * loops, "while", self._forever),
            (0.4 * nest, "finally", self._guarded),
            (0.4, "builtin", self._mapped_calls),
            (0.3 * nest, "contextlib", self._stack),
            (0.3, "alias", self._nest),
            (0.3, "stringio", self._file),
            (0.6 * nest, "nested", self.nested_function),
            (0.3, "partial", self._partial),
            (
                0.3,
                "random",
                lambda: [f"{self.draw.pick(('rng', 'random'))}.shuffle({self.make(('list', 'str'), 0)})"],
            ),
        ]
        if self.scope.generator:
            options.append((4.0, "generator", self._yield))
        options += self.library_options()
        return self.draw.choose(options) or ["pass"]

    # Assignments.
    def target(self, kind: Type) -> str:
        """A variable to assign: a new one, or one of that type."""
        names = [n for n, t in self.scope.variables.items() if t == kind and n not in self.scope.constants]
        names += [
            n for n in (self.scope.nonlocals | self.scope.globals) if self.scope.borrowed.get(n) == kind
        ]
        if names and self.draw.chance(0.4, "rebind"):
            return self.draw.pick(names)
        name = self.draw.name("v")
        self.scope.variables[name] = kind
        return name

    def _assign(self) -> Lines:
        kind = self.any_type()
        value = self.make(kind, 3)
        if self.draw.chance(0.05, "chain"):
            first = self.target(kind)
            return [f"{first} = {self.target(kind)} = {value}"]
        return [f"{self.target(kind)} = {value}"]

    def _names(self) -> list[tuple[str, Type]]:
        own = [(n, t) for n, t in self.scope.variables.items() if n not in self.scope.constants]
        shared = self.scope.nonlocals | self.scope.globals
        return own + [(n, t) for n, t in self.scope.borrowed.items() if n in shared]

    def _rebind(self) -> Lines | None:
        names = self._names()
        if not names:
            return None
        name, kind = self.draw.pick(names)
        return [f"{name} = {self.make(kind, 3)}"]

    def _augmented(self) -> Lines | None:
        names = self._names()
        for name, t in list(names):
            if isinstance(t, tuple) and t[0] == "obj":
                names += [
                    (f"{name}.{a}", at)
                    for a, at in self.classes[t[1]].attributes.items()
                    if not self.classes[t[1]].frozen
                ]
        operators = {
            "int": ("+=", "-=", "*="),
            "str": ("+=",),
            "list": ("+=", "+="),
            "set": ("|=", "&=", "-="),
            "dict": ("|=",),
            "deque": ("+=",),
        }
        found = [(n, t) for n, t in names if (t if isinstance(t, str) else t[0]) in operators]
        if not found:
            return None
        name, kind = self.draw.pick(found)
        value = self.make(kind, 2)
        if kind == "str":
            value = f"({value})[:6]"
        if isinstance(kind, tuple) and kind[0] in ("list", "deque"):
            value = f"{value}[:3]" if kind[0] == "list" else f"list({value})[:3]"
        return [f"{name} {self.draw.pick(operators[kind if isinstance(kind, str) else kind[0]])} {value}"]

    def _alias(self) -> Lines | None:
        place = self.mutable_place()
        if place is None:
            return None
        name = self.draw.name("v")
        self.scope.variables[name] = place[1]
        return [f"{name} = {place[0]}"]

    def _unpack(self) -> Lines:
        one, other = self.any_type(1), self.any_type(1)
        if self.draw.chance(0.3, "starred"):
            kind = self.draw.pick(("str", "int"))
            value = self.make(("list", kind), 2)
            first, rest, one_more = self.draw.name("v"), self.draw.name("v"), self.make(kind, 1)
            self.scope.variables |= {first: kind, rest: ("list", kind)}
            return [f"{first}, *{rest} = [{one_more}, *{value}]"]
        names = [n for n, t in self.scope.variables.items() if t == "str" and n not in self.scope.constants]
        if len(names) > 1 and self.draw.chance(0.3):
            a, b = self.draw.random.sample(names, 2)
            return [f"{a}, {b} = {b}, {self.make('str', 2)}"]
        values = f"{self.make(one, 2)}, {self.make(other, 2)}"
        a, b = self.draw.name("v"), self.draw.name("v")
        self.scope.variables |= {a: one, b: other}
        if self.draw.chance(0.1, "starred"):
            return [f"{a}, {b} = {self.make(('list', 'str'), 2)}"]
        return [f"{a}, {b} = {values}"]

    # Memory.
    def _mutate(self) -> Lines | None:
        place = self.mutable_place()
        if place is None:
            return None
        name, kind = place
        value = lambda t: self.make(t, 2)  # noqa: E731
        pick = self.draw.pick
        if kind[0] == "list":
            item = kind[1]
            call = pick(
                (
                    "append",
                    "append",
                    "append",
                    "append",
                    "extend",
                    "insert",
                    "pop",
                    "reverse",
                    "clear",
                    "remove",
                )
            )
            made = {
                "append": lambda: f"append({value(item)})",
                "extend": lambda: f"extend({self._finite(item)})",
                "insert": lambda: f"insert({pick(('0', '1', '-1'))}, {value(item)})",
                "pop": lambda: f"pop({pick(('', '0', '-1'))})",
                "reverse": lambda: "reverse()",
                "clear": lambda: "clear()",
                "remove": lambda: f"remove({value(item)})",
            }[call]()
            guarded = call in ("pop", "remove") and self.draw.chance(0.8)
            if guarded and call == "remove":
                return [f"if {name}:", f"    {name}.remove({name}[0])"]
            return [f"if {name}:", f"    {name}.{made}"] if guarded else [f"{name}.{made}"]
        if kind[0] == "dict":
            return [
                f"{name}."
                + pick(
                    (
                        lambda: f"update({value(kind)})",
                        lambda: f"setdefault({self.key(2)}, {value(kind[1])})",
                        lambda: f"pop({self.key(2)}, None)",
                        lambda: f"update({pick(KEYS)}={value(kind[1])})",
                        lambda: "clear()",
                    )
                )()
            ]
        if kind[0] == "set":
            return [
                f"{name}."
                + pick(
                    (
                        lambda: f"add({value(kind[1])})",
                        lambda: f"add({value(kind[1])})",
                        lambda: f"discard({value(kind[1])})",
                        lambda: f"update({value(('list', kind[1]))})",
                    )
                )()
            ]
        if kind[0] == "deque":
            return [
                f"{name}."
                + pick(
                    (
                        lambda: f"append({value(kind[1])})",
                        lambda: f"appendleft({value(kind[1])})",
                        lambda: f"extend({value(('list', kind[1]))})",
                        lambda: "rotate(1)",
                    )
                )()
            ]
        if kind[0] == "counter":
            return [
                pick(
                    (
                        lambda: f"{name}[{value('str')}] += {pick(('1', value('int')))}",
                        lambda: f"{name}.update({value(('list', 'str'))})",
                    )
                )()
            ]
        if kind[0] == "grouped":
            return [f"{name}[{self.key(2)}].append({value(kind[1])})"]
        return None

    def _finite(self, item: Type) -> str:
        """An iterable that does not grow with the list that it is added to."""
        made = self.iterable(item, 1)
        return f"list({made})" if "iter(" in made else made

    def _store_item(self) -> Lines | None:
        place = self.mutable_place()
        if place is None:
            return None
        name, kind = place
        if kind[0] == "dict":
            return [f"{name}[{self.key(2)}] = {self.make(kind[1], 2)}"]
        if kind[0] == "list":
            store = f"{name}[{self.draw.pick(('0', '-1'))}] = {self.make(kind[1], 2)}"
            return [store] if self.draw.chance(0.15) else [f"if {name}:", f"    {store}"]
        if kind[0] == "obj" and "__setitem__" in self.classes[kind[1]].specials:
            return [f"{name}[{self.key(2)}] = {self.make('str', 2)}"]
        return None

    def _store_attribute(self) -> Lines | None:
        objects = [
            (n, t[1]) for n, t in self.scope.visible().items() if isinstance(t, tuple) and t[0] == "obj"
        ]
        if not objects:
            return None
        name, owner = self.draw.pick(objects)
        made = self.classes[owner]
        if made.counter and self.draw.chance(0.3):
            return [f"{owner}.{made.counter} += {self.make('int', 1)}"]
        if not made.attributes:
            return None
        attribute = self.draw.pick(list(made.attributes))
        return [f"{name}.{attribute} = {self.make(made.attributes[attribute], 2)}"]

    def _store_slice(self) -> Lines | None:
        kind = ("list", self.draw.pick(("str", "int")))
        name = self.place(kind)
        if name is None:
            return None
        part = self.draw.pick(("1:", ":1", ":", "0:0", "-1:"))
        if self.draw.chance(0.2):
            return [f"del {name}[{part}]"]
        return [f"{name}[{part}] = {self.make(kind, 2)}[:3]"]

    def _delete(self) -> Lines | None:
        if self.draw.chance(0.5):
            names = [n for n in self.scope.variables if n not in self.scope.constants]
            if not names or self.scope.loops:
                return None
            name = self.draw.pick(names)
            self.scope.maybe[name] = self.scope.variables.pop(name)
            return [f"del {name}"]
        kind = ("dict", self.draw.pick(("str", "int")))
        name = self.place(kind)
        if name is None:
            return None
        key = self.key(2)
        if self.draw.chance(0.2):
            return [f"del {name}[{key}]"]
        variable = self.draw.name("v")
        return [f"{variable} = {key}", f"if {variable} in {name}:", f"    del {name}[{variable}]"]

    def _sort(self) -> Lines | None:
        name = self.place(("list", self.draw.pick(("str", "int"))))
        if name is None:
            return None
        q = self.draw.name("q")
        return [
            f"{name}.sort({self.draw.pick(('', 'reverse=True', f'key=lambda {q}: (count({q}), {q})', 'key=str'))})"
        ]

    def _call(self) -> Lines | None:
        call = self.call_of(self.draw.pick(("str", "int", ("list", "str"), "bool", None)), 3)
        return call and [call]

    # Control.
    def _if(self) -> Lines:
        lines = [f"if {self.condition(2)}:", *self.block()]
        if self.draw.chance(0.25):
            lines += [f"elif {self.condition(2)}:", *self.block(2)]
        if self.draw.chance(0.4, "else"):
            lines += ["else:", *self.block(2)]
        return lines

    def _loop_body(self, trips: float) -> Lines:
        scope = self.scope
        scope.loops += 1
        scope.trips *= trips
        lines = self.block(4)
        scope.trips /= trips
        scope.loops -= 1
        if self.draw.chance(0.25, "else"):
            lines += ["else:", *self.block(2)]
        return lines

    def _for(self) -> Lines:
        kind = self.draw.pick(("str", "str", "int", self.any_type(1)))
        name = self.draw.name("i")
        targets, source = name, self.iterable(kind, 2)
        bound = {name: kind}
        if self.draw.chance(0.25, "enumerate"):
            index = self.draw.name("i")
            targets, source, bound = f"{index}, {name}", f"enumerate({source})", {index: "int", name: kind}
        elif self.draw.chance(0.12, "zip"):
            other, t = self.draw.name("i"), self.any_type(1)
            targets, source, bound = (
                f"{name}, {other}",
                f"zip({source}, {self.iterable(t, 1)})",
                {name: kind, other: t},
            )
        elif self.draw.chance(0.12, "dictview"):
            other, t = self.draw.name("i"), self.draw.pick(("str", "int"))
            targets, source, bound = (
                f"{name}, {other}",
                f"{self.make(('dict', t), 1)}.items()",
                {name: "str", other: t},
            )
        variables = dict(self.scope.variables)
        self.scope.variables |= bound
        if not self.draw.chance(0.2):  # what is iterated over does not grow inside
            self.scope.constants |= bound.keys()
        if source.isidentifier() or ("." in source and source.replace(".", "").isidentifier()):
            source = f"itertools.islice({source}, 4)" if self.draw.chance(0.15) else f"list({source})"
        elif "iter(" in source or "reversed(" in source:
            source = f"itertools.islice({source}, 4)"
        lines = [f"for {targets} in {source}:", *self._loop_body(2.5)]
        self.scope.variables = variables
        self.scope.maybe |= bound
        return lines

    def _while(self) -> Lines:
        name = self.draw.name("n")
        limit = self.draw.pick((1, 2, 3))
        self.scope.constants.add(name)
        variables = dict(self.scope.variables)
        self.scope.variables[name] = "int"
        test = f"{name} < {limit}" + (f" and {self.condition(2)}" if self.draw.chance(0.6) else "")
        lines = [f"{name} = 0", f"while {test}:", f"    {name} += 1", *self._loop_body(limit)]
        self.scope.variables = {**variables, name: "int"}
        return lines

    def _exit(self, word: str) -> Lines:
        return [f"if {self.condition(2)}:", f"    {word}"] if self.draw.chance(0.8) else [word]

    def result(self) -> str:
        """What this function returns."""
        kind = self.scope.returns
        if self.scope.generator or kind is None:
            return ""
        return f" {self.make(kind, 3)}"

    def _return(self) -> Lines:
        lines = [f"return{self.result()}"]
        return [f"if {self.condition(2)}:", *indent(lines)] if self.draw.chance(0.85) else lines

    def _raise(self) -> Lines:
        pick = self.draw.pick
        error = f"{pick(ERRORS)}({self.make('any', 2)})"
        made = f"raise {error}"
        if self.scope.handlers and self.draw.chance(0.5):
            made = pick(("raise", f"raise {error} from e", f"raise {error} from None"))
        return [f"if {self.condition(2)}:", f"    {made}"] if self.draw.chance(0.8) else [made]

    def _try(self) -> Lines:
        lines = ["try:", *self.block(3)]
        final = self.draw.chance(0.35, "finally")
        handlers = 0 if final and self.draw.chance(0.3) else self.draw.pick((1, 1, 2))
        for _ in range(handlers):
            kind = self.draw.pick(
                (*ERRORS, "(ToolError, KeyError)", "Exception", "Exception", "(LookupError, ValueError)")
            )
            lines.append(f"except {kind} as e:" if self.draw.chance(0.7) else f"except {kind}:")
            named = lines[-1].endswith("as e:")
            before = self.scope.borrowed
            self.scope.handlers += named
            lines += self.block(2)
            self.scope.handlers -= named
            self.scope.borrowed = before
            if named and self.draw.chance(0.3):
                lines.append(
                    f"    {self.draw.pick(('print(e)', 'record(str(e))', 'record(type(e).__name__)', 'record(repr(e.__context__))', 'ask(str(e))'))}"
                )
        if handlers and self.draw.chance(0.25, "else"):
            lines += ["else:", *self.block(2)]
        if final:
            loops, self.scope.loops = self.scope.loops, self.scope.loops if self.draw.chance(0.1) else 0
            lines += ["finally:", *self.block(2)]
            self.scope.loops = loops
        return lines

    def _with(self) -> Lines:
        managers = [c.name for c in self.classes.values() if "__enter__" in c.specials]
        options = [
            (1.0, "contextlib", lambda: ("contextlib.suppress(ToolError, KeyError)", None)),
            (2.0, "contextlib", lambda: (f"managed({self.make('str', 1)})", "str")),
            (0.7, "contextlib", lambda: ("contextlib.redirect_stdout(io.StringIO())", None)),
            (0.4, "stringio", lambda: ("io.StringIO('x')", None)),
        ]
        if managers:
            name = self.draw.pick(managers)
            options.append((4.0, "special", lambda: (self._construct(self.classes[name], 1), ("obj", name))))
        manager, kind = self.draw.choose(options) or ("contextlib.nullcontext()", None)
        if kind is None or self.draw.chance(0.3):
            return [f"with {manager}:", *self.block(3)]
        name = self.draw.name("v")
        self.scope.variables[name] = kind
        return [f"with {manager} as {name}:", *self.block(3)]

    def _match(self) -> Lines:
        subject = self.draw.pick(
            (
                self.make("int", 2),
                self.make("str", 2),
                self.make(("list", "str"), 2),
                f"info({self.independent(1)})",
            )
        )
        lines = [f"match {subject}:"]
        for _ in range(self.draw.pick((1, 2))):
            name = self.draw.name("v")
            pattern, bound = self.draw.pick(
                (
                    ("0 | 1", {}),
                    ("'r1' | 'a'", {}),
                    (f"[{name}]", {name: "str"}),
                    (f"['p1', *{name}]", {name: ("list", "str")}),
                    (f"{{'n': {name}}}", {name: "int"}),
                    (f"str() as {name}", {name: "str"}),
                    (f"int({name})", {name: "int"}),
                )
            )
            variables = dict(self.scope.variables)
            self.scope.variables |= bound
            guard = f" if {self.condition(1)}" if self.draw.chance(0.2) else ""
            lines += indent([f"case {pattern}{guard}:", *self.block(2)])
            self.scope.variables = variables
        return [*lines, "    case _:", *indent(self.block(2))]

    # Generators.
    def _yield(self) -> Lines:
        kind = self.scope.returns[1]
        if self.draw.chance(0.2, "yieldfrom"):
            return [f"yield from {self.iterable(kind, 2)}"]
        if self.draw.chance(0.2, "send"):
            name = self.draw.name("v")
            self.scope.maybe[name] = "str"
            return [f"{name} = yield {self.make(kind, 2)}"]
        return [f"yield {self.make(kind, 2)}"]

    def _generator_use(self) -> Lines | None:
        kind = self.draw.pick(("str", "int"))
        call = self.call_of(("gen", kind), 2)
        if call is None:
            return None
        name = self.draw.name("g")
        pick = self.draw.pick
        lines = [f"{name} = {call}"]
        self.scope.constants.add(name)
        for _ in range(pick((1, 2, 3))):
            option = pick(("next", "next", "for", "list", "send", "close"))
            value = self.draw.name("v")
            if option == "next":
                lines.append(f"{value} = next({name}, {self.fresh(kind, 0)})")
                self.scope.variables[value] = kind
            elif option == "list":
                lines.append(f"{value} = list({name})")
                self.scope.variables[value] = ("list", kind)
            elif option == "send" and self.draw.chance(0.6, "send"):
                lines += [
                    f"{value} = next({name}, None)",
                    "try:",
                    f"    {value} = {name}.send({self.make('str', 1)})",
                    "except StopIteration:",
                    "    pass",
                ]
            elif option == "close" and self.draw.chance(0.6, "close"):
                lines.append(f"{name}.close()")
            else:
                lines += [
                    f"for {value} in {name}:",
                    f"    record({value})",
                    *(["    break"] if self.draw.chance(0.4) else []),
                ]
        return lines

    def nested_function(self) -> Lines | None:
        """Overridden where definitions are made."""
        return None
