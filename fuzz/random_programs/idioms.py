"""What programs that call models often do, in a few statements."""

from __future__ import annotations

from random_programs.expressions import Expressions

Lines = list[str]


def indent(lines: Lines) -> Lines:
    """The lines of a block."""
    return ["    " + line for line in lines]


class Idioms(Expressions):
    """Makes lists of lines in `scope`."""

    def block(self, most: int = 3) -> Lines:
        """A nested block, indented; made by Statements."""
        raise NotImplementedError

    def _message(self) -> Lines:
        """A list that grows between calls which it is passed to."""
        kind = ("list", ("dict", "str"))
        name = self.place(kind)
        lines = []
        if name is None or self.draw.chance(0.2):
            name = self.draw.name("v")
            self.scope.variables[name] = kind
            lines.append(f"{name} = []")
        answer = self.draw.name("v")
        lines += [f"{name}.append({{'k': {self.make('str', 1)}}})", f"{answer} = ask({name})"]
        self.scope.variables[answer] = "str"
        if self.draw.chance(0.7):
            lines.append(f"{name}.append({{'k': {answer}, 'm': {self.make('str', 1)}}})")
        return lines

    def _cached(self) -> Lines:
        kind = ("dict", "str")
        name = self.place(kind) or self.place(("dict", "str"))
        lines = []
        if name is None:
            name = self.draw.name("v")
            self.scope.variables[name] = kind
            lines.append(f"{name} = {{}}")
        key = self.draw.name("v")
        lines.append(f"{key} = {self.make('str', 2)}")
        self.scope.variables[key] = "str"
        lines += [f"if {key} not in {name}:", f"    {name}[{key}] = ask({key}, {self.make('any', 1)})"]
        value = self.draw.name("v")
        self.scope.variables[value] = "str"
        return [*lines, f"{value} = {name}[{key}]"]

    def _retried(self) -> Lines:
        name, attempt = self.draw.name("v"), self.draw.name("v")
        head = [
            f"{name} = {self.make('str', 0)}",
            f"for {attempt} in range({self.draw.pick((2, 3))}):",
            "    try:",
        ]
        self.scope.variables |= {name: "str", attempt: "int"}
        body = [f"        {name} = risky({attempt}, {self.independent(1)})", "        break"]
        handler = [f"    except {self.draw.pick(('(ToolError, ValueError)', 'Exception', 'KeyError'))} as e:"]
        handler += indent(
            indent(
                self.draw.pick(
                    (
                        [f"record({attempt})"],
                        ["pass"],
                        [f"if {attempt} == 1:", "    raise"],
                        [f"print(e, {attempt})"],
                    )
                )
            )
        )
        self.scope.trips *= 3
        rest = ["else:", *self.block(1)] if self.draw.chance(0.3, "else") else []
        self.scope.trips /= 3
        return head + body + handler + rest

    def _file(self) -> Lines:
        name = self.draw.name("v")
        read = self.draw.name("v")
        lines = [
            f"{name} = io.StringIO()",
            f"{name}.write({self.make('str', 2)})",
            f"print({self.make('any', 1)}, file={name})",
        ]
        self.scope.variables[read] = "str"
        return [*lines, f"{read} = {name}.getvalue()"]

    def _partial(self) -> Lines:
        name, read = self.draw.name("f"), self.draw.name("v")
        lines = [
            f"{name} = functools.partial(ask, {self.independent(1)})",
            f"{read} = {name}({self.make('any', 1)})",
        ]
        self.scope.variables[read] = "str"
        return lines

    def _iterator_use(self) -> Lines:
        """An iterator that several places step."""
        kind = self.draw.pick(("str", "int"))
        name, rest = self.draw.name("g"), self.draw.name("v")
        source = self.make(("list", kind), 1)
        how = self.draw.pick(
            ("iter({})", "enumerate({})", "reversed({})", "zip({0}, {0})", "map(str, {})", "filter(None, {})")
        )
        lines = [f"{name} = {how.format(source)}"]
        for _ in range(self.draw.pick((1, 2))):
            item = self.draw.name("i")
            lines += self.draw.pick(
                (
                    [f"for {item} in {name}:", f"    ask({item})", "    break"],
                    [f"record(next({name}, None))"],
                    [f"record(ask(next({name}, None)))"],
                )
            )
        self.scope.variables[rest] = "str"
        return [*lines, f"{rest} = str(list(itertools.islice({name}, 3)))"]

    def _collected(self) -> Lines:
        """A loop that collects answers, skips some and stops at others."""
        kind = self.draw.pick(("str", "int"))
        place = self.place(("list", "str"))
        name, item, answer = place or self.draw.name("v"), self.draw.name("i"), self.draw.name("v")
        source = self.iterable(kind, 1)
        lines = [] if place else [f"{name} = []"]
        if not place:
            self.scope.variables[name] = ("list", "str")
        with self.bound({item: kind, answer: "str"}):
            call = self.draw.pick(
                (f"ask({item})", f"ask({item}, {name})", f"risky({item})", f"ask({self.independent(1)})")
            )
            test = self.condition(2)
            last = self.draw.pick(("continue", "break", "pass", f"record(len({name}))", f"print({answer})"))
            body = [f"{answer} = {call}", f"if {test}:", f"    {last}", f"{name}.append({answer})"]
            if self.draw.chance(0.3):
                body.append(f"if len({name}) > {self.draw.pick((1, 2, 4))}:")
                body.append(
                    f"    {self.draw.pick(('break', f'{name}.pop(0)', f'{name}.clear()', 'raise ToolError(len(' + name + '))'))}"
                )
        self.scope.maybe |= {item: kind, answer: "str"}
        return [*lines, f"for {item} in itertools.islice({source}, 4):", *indent(body)]

    def _progress(self) -> Lines | None:
        """A state that is changed, passed to a call, and changed by what it answers."""
        place = self.mutable_place()
        if place is None or place[1][0] not in ("dict", "obj"):
            return None
        name, kind = place
        answer = self.draw.name("v")
        lines = [f"{answer} = ask({name}, {self.make('any', 1)})"]
        self.scope.variables[answer] = "str"
        if kind[0] == "dict" and kind[1] == "str":
            lines += [f"{name}['text'] = {answer}", f"{name}.update(k={self.make('str', 1)})"]
        elif kind[0] == "dict":
            lines.append(f"{name}[{answer}] = {self.make(kind[1], 1)}")
        elif self.classes[kind[1]].attributes:
            attribute = self.draw.pick(list(self.classes[kind[1]].attributes))
            lines.append(f"{name}.{attribute} = {self.make(self.classes[kind[1]].attributes[attribute], 2)}")
        return [
            *lines,
            f"record(ask({name}, {answer}))" if self.draw.chance(0.5) else f"{answer} = ask({name})",
        ]

    def _late(self) -> Lines:
        """Functions made in a loop, which see its variable as it is when they are called."""
        name, item, results = self.draw.name("v"), self.draw.name("i"), self.draw.name("v")
        source = self.iterable("str", 1)
        with self.bound({item: "str"}):
            body = self.make("str", 2)
        made = self.draw.pick((f"lambda: {body}", f"lambda {item}={item}: {body}"))
        self.scope.variables[results] = ("list", "str")
        return [
            f"{name} = []",
            f"for {item} in itertools.islice({source}, 3):",
            f"    {name}.append({made})",
            f"{results} = [f() for f in {name}]",
        ]

    def _spread(self) -> Lines:
        """A call with * and **, of a function that takes them."""
        name, value = self.draw.name("f"), self.draw.name("v")
        more, options = self.make(("list", "str"), 1), self.make(("dict", "str"), 1)
        inside = self.draw.pick(
            ("ask(first, rest, more)", "ask(*rest, **more)", "str(len(rest)) + ask(first)")
        )
        change = self.draw.pick(
            ("pass", "more['k'] = first", "more.update(n=ask(rest))", "rest += (ask(more),)")
        )
        call = f"{name}({self.make('str', 1)}, *{more}, **{options})"
        self.scope.variables[value] = "str"
        return [
            f"def {name}(first, *rest, **more):",
            f"    {change}",
            f"    return {inside}",
            f"{value} = {call}",
        ]

    def _forever(self) -> Lines:
        """A loop without a condition, left when an answer says so."""
        count, answer = self.draw.name("n"), self.draw.name("v")
        steps = self.draw.pick((2, 3))
        place = self.place(("list", "str"))
        leave = self.draw.pick(
            ("break", "break", "break", "break", f"record({count}); break", f"raise ToolError({count})")
        )
        lines = [
            f"{count} = 0",
            "while True:",
            f"    {count} += 1",
            f"    {answer} = ask({count}, {self.independent(1)})",
        ]
        if place:
            lines.append(f"    {place}.append({answer})")
        lines.append(
            f"    if {count} >= {steps} or {self.draw.pick((f'yes({answer})', f'{answer} < ' + repr('r5'), 'False'))}:"
        )
        self.scope.variables |= {count: "int", answer: "str"}
        return [*lines, f"        {leave}"]

    def _guarded(self) -> Lines:
        """Try with finally in a loop in every way."""
        item, name = self.draw.name("i"), self.draw.name("v")
        source = self.iterable("str", 1)
        with self.bound({item: "str"}):
            inside = self.draw.pick(
                (
                    "continue",
                    "break",
                    f"raise ValueError({item})",
                    f"risky({item})",
                    "pass",
                    f"record({item})",
                )
            )
            test = self.condition(1)
            after = self.draw.pick(
                (
                    f"record({item})",
                    f"{name}.append(ask({item}, {name}))",
                    f"print({item})",
                    f"{name}.append({item})",
                )
            )
            final = self.draw.pick(
                ("pass", f"if yes({item}):\n            break", f"if yes({item}):\n            continue")
            )
        handler = self.draw.pick(([], [], ["    except ValueError as e:", f"        {name}.append(str(e))"]))
        lines = [
            f"{name} = []",
            f"for {item} in itertools.islice({source}, 3):",
            "    try:",
            f"        if {test}:",
        ]
        lines += [
            f"            {inside}",
            f"        {name}.append(risky({item}))",
            *handler,
            "    finally:",
            f"        {after}",
        ]
        lines += [
            f"        {part.strip()}" if not part.startswith("            ") else part
            for part in final.split("\n")
        ]
        self.scope.variables[name] = ("list", "str")
        return lines

    def _mapped_calls(self) -> Lines:
        """Independent calls made by a builtin."""
        name, kind = self.draw.name("v"), self.draw.pick(("str", "int"))
        source = self.iterable(kind, 1)
        made, returns = self.draw.pick(
            (
                (f"list(map(ask, {source}))", ("list", "str")),
                (f"sorted({source}, key=count)", ("list", kind)),
                (f"[*map(count, {source})]", ("list", "int")),
                (f"dict(zip('kmn', map(ask, {source})))", ("dict", "str")),
                (f"max({source}, key=lambda q: (count(q), q), default={self.fresh(kind, 0)})", kind),
                (f"any(map(yes, {source}))", "bool"),
                (f"list(filter(yes, {source}))", ("list", kind)),
                (f"sum(map(count, {source}))", "int"),
                (f"{{ask(q): count(q) for q in {source}}}", ("dict", "int")),
                (f"set(map(count, {source}))", ("set", "int")),
            )
        )
        self.scope.variables[name] = returns
        return [f"{name} = {made}"]

    def _stack(self) -> Lines:
        """A stack of context managers and callbacks."""
        name, value = self.draw.name("v"), self.draw.name("v")
        lines = [
            f"with contextlib.ExitStack() as {name}:",
            f"    {name}.callback(record, {self.make('str', 1)})",
            f"    {value} = {name}.enter_context(managed({self.make('str', 1)}))",
            f"    {name}.callback(write, {self.draw.pick((value, self.make('str', 1)))})",
        ]
        if self.draw.chance(0.4):
            lines.append(
                f"    {self.draw.pick((f'risky({value})', f'raise KeyError({value})', f'ask({value})'))}"
            )
        self.scope.variables[value] = "str"
        return lines

    def _nest(self) -> Lines:
        """One container inside another, changed by either way."""
        inner, outer = self.draw.name("v"), self.draw.name("v")
        kind = self.draw.pick((("list", "str"), ("dict", "str")))
        value = self.make(kind, 1)
        made, there = self.draw.pick(
            (("[{0}, {0}]", "[0]"), ("{{'k': {0}, 'm': [{0}]}}", "['k']"), ("{{'k': [{0}]}}", "['k'][0]"))
        )
        change = ".append(%s)" if kind[0] == "list" else "['n'] = %s"
        lines = [f"{inner} = {value}", f"{outer} = {made.format(inner)}"]
        self.scope.variables |= {inner: kind}
        changes = [f"{inner}{change}", f"{outer}{there}{change}"]
        for _ in range(self.draw.pick((1, 2, 3))):
            lines.append(self.draw.pick(changes) % self.make("str", 1))
            if self.draw.chance(0.5):
                lines.append(
                    self.draw.pick(
                        (f"record(ask({outer}))", f"ask({inner})", f"record(len({inner}))", f"print({outer})")
                    )
                )
        return lines
