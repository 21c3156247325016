"""Odd objects: subclassed builtins, overridden operators, descriptors, and what else the data model allows."""

# ruff: noqa: C400, C416, E741, F821, F841, PT008, RUF023, UP030, UP031, UP032 - the code is what is tried

from __future__ import annotations

import contextlib
import contextvars
import copy
import functools
import io
import json
import operator
import os
import signal
import threading
import types
import warnings
import weakref
from unittest import mock

import xcs

from .conftest import Check, ask, log


class Meta(type):
    def __instancecheck__(cls, obj):
        log(("instancecheck", getattr(obj, "text", obj)))
        return bool(getattr(obj, "text", obj))

    def __subclasscheck__(cls, sub):
        log("subclasscheck")
        return True


class Checked(metaclass=Meta):
    pass


class Holder:
    def __init__(self, text=""):
        self.text = text


def test_a_class_is_asked_about_its_instances_in_order(check: Check) -> None:
    def run(h):
        h.text = ask("a")
        return isinstance(h, Checked), isinstance(h, (int, Checked)), issubclass(int, Checked), h.text

    check(run, lambda: (Holder(),))


class Idx:
    def __init__(self, n):
        self.n = n

    def __index__(self):
        log(("index", self.n))
        return self.n

    def __repr__(self):
        return f"Idx{self.n}"


def test_what_gives_an_index_is_asked_in_order(check: Check) -> None:
    def run(i):
        i.n = len(ask("a"))
        return list(range(i)), range(i, Idx(9)), [1, 2, 3, 4][i:], "abcd"[i:], hex(i), bin(i), i

    check(run, lambda: (Idx(0),))


def test_the_dict_of_an_instance_is_the_memory_of_its_attributes(check: Check) -> None:
    def run(h):
        d = h.__dict__
        d["x"] = ask("a")
        first = h.x
        h.y = ask("b")
        second = d["y"]
        vars(h)["z"] = ask("c")
        h.z2 = h.z
        return first, second, h.z, sorted(d), len(d), d is h.__dict__, "x" in d, d.get("y"), h.z2

    def make():
        return (Holder(),)

    class R:
        pass

    check(lambda h: (run(h), h.text)[0], make)


def test_the_dict_of_an_instance_and_its_attributes_are_one_memory_whoever_changes_it(check: Check) -> None:
    def run(h):
        h.a = ask("1")
        n = len(h.__dict__)
        h.__dict__.update(b=ask("2"))
        got = h.b
        h.__dict__["text"] = "new"
        del h.__dict__["text"]
        try:
            return n, got, h.text
        except AttributeError as e:
            return n, got, str(e), hasattr(h, "a"), getattr(h, "b")

    check(run, lambda: (Holder(),))


def test_attributes_of_classes_change_in_order(check: Check) -> None:
    class C:
        n = 1

    def run():
        C.n = ask("a")
        x = C().n
        type.__setattr__(C, "n", "m")
        return x, C.n, C().n, vars(C)["n"]

    def reset():
        C.n = 1

    for _ in range(1):
        check(lambda: (reset(), run())[1])


class Name(str):
    def __eq__(self, o):
        log(("eq", str.__str__(self), str(o)))
        return str.__eq__(self, o)

    def __hash__(self):
        log("hash")
        return str.__hash__(self)

    def __len__(self):
        log("len")
        return 99

    def __format__(self, spec):
        log("format")
        return "F"

    def upper(self):
        log("upper")
        return "U"

    def __add__(self, o):
        log("add")
        return "ADD"

    def __contains__(self, o):
        log("in")
        return True


def test_a_subclass_of_str_keeps_its_operators(check: Check) -> None:
    def run(s, d):
        d["k"] = ask("a")
        return (
            len(s),
            f"{s}",
            s.upper(),
            s + "x",
            "q" in s,
            s == "k",
            d.get(s),
            s in d,
            d[s],
            {s: 1}["k"],
            ",".join([s]),
            s * 2,
            s[0],
            s.lower(),
            str(s),
            list(s),
        )

    check(run, lambda: (Name("k"), {}))


class Dict(dict):
    def __getitem__(self, k):
        log(("get", k))
        return dict.__getitem__(self, k)

    def __setitem__(self, k, v):
        log(("set", k))
        dict.__setitem__(self, k, v)

    def get(self, k, d=None):
        log("get()")
        return "G"

    def __contains__(self, k):
        log("in")
        return True

    def __iter__(self):
        log("iter")
        return iter(["z"])

    def __len__(self):
        log("len")
        return 5

    def __missing__(self, k):
        log("missing")
        return "M"

    def keys(self):
        log("keys")
        return ["kk"]


def test_a_subclass_of_dict_keeps_its_operators(check: Check) -> None:
    def run(d):
        d["a"] = ask("1")
        x = d["a"], d.get("a"), "q" in d, list(d), len(d), bool(d)
        d.update(b=ask("2"))
        return (
            x,
            dict(d),
            {**d},
            [*d],
            sorted(d),
            json.dumps(d),
            d.setdefault("c", ask("3")),
            d.pop("c"),
            copy.copy(d),
        )

    check(run, lambda: (Dict(),))


class List(list):
    def append(self, x):
        log(("append", x))
        list.append(self, x)

    def __iter__(self):
        log("iter")
        return list.__iter__(self)

    def __getitem__(self, i):
        log(("item", i))
        return list.__getitem__(self, i)

    def __iadd__(self, o):
        log("iadd")
        list.extend(self, o)
        return self

    def __len__(self):
        log("len")
        return list.__len__(self)

    def __eq__(self, o):
        log("eq")
        return True

    __hash__ = None


def test_a_subclass_of_list_keeps_its_operators(check: Check) -> None:
    def run(l):
        l.append(ask("a"))
        l += [ask("b")]
        l.extend([ask("c")])
        l[0] = ask("d")
        return (
            l[0],
            l[1:],
            [x for x in l],
            len(l),
            l == 5,
            ",".join(l),
            sorted(l),
            list(l),
            l.pop(),
            bool(l),
            l.index("<b>"),
            reversed(l).__class__,
        )

    check(run, lambda: (List(),))


class Int(int):
    def __add__(self, o):
        log("add")
        return Int(int.__add__(self, o))

    def __bool__(self):
        log("bool")
        return False

    def __index__(self):
        log("index")
        return 1

    def __lt__(self, o):
        log("lt")
        return True

    def __format__(self, s):
        log("fmt")
        return "I"


def test_a_subclass_of_int_keeps_its_operators(check: Check) -> None:
    def run(n, xs):
        xs.append(ask("a"))
        if n:
            xs.append("yes")
        return (
            n + 1,
            f"{n}",
            xs[n:],
            n < 3,
            sorted([3, n]),
            max(n, 5),
            sum([n, n]),
            [1, 2, 3][n],
            range(n),
            n and 1,
            not n,
            str(n),
            n == 2,
        )

    check(run, lambda: (Int(2), [0, 1]))


class Odd:
    def __init__(self):
        self.__dict__["n"] = 0

    def __getattr__(self, name):
        log(("getattr", name))
        return ask("attr" + name)

    def __setattr__(self, name, v):
        log(("setattr", name, v))
        self.__dict__[name] = v

    def __delattr__(self, name):
        log(("delattr", name))
        del self.__dict__[name]


def test_hooks_of_attributes_run_in_order(check: Check) -> None:
    def run(o):
        a = o.foo
        o.bar = ask("x")
        b = o.bar
        del o.bar
        return a, b, o.bar, hasattr(o, "q"), getattr(o, "r", 1), o.n

    check(run, lambda: (Odd(),))


class All:
    def __getattribute__(self, name):
        if not name.startswith("_"):
            log(("ga", name))
        return object.__getattribute__(self, name)

    def m(self):
        return ask("m")


def test_getattribute_runs_for_each_attribute(check: Check) -> None:
    def run(o, xs):
        xs.append(ask("a"))
        o.x = 1
        return o.m(), o.x, o.m, xs

    def r(o, xs):
        a = run(o, xs)
        return a[0], a[1]

    check(r, lambda: (All(), []))


class Desc:
    def __get__(self, o, t):
        log("get")
        return ask("desc")

    def __set__(self, o, v):
        log(("set", v))

    def __delete__(self, o):
        log("del")


class NonData:
    def __get__(self, o, t):
        log("nget")
        return ask("nd")


class WithDesc:
    d = Desc()
    n = NonData()


def test_descriptors_run_in_order(check: Check) -> None:
    def run(o):
        o.d = ask("v")
        a = o.d, o.n
        del o.d
        o.n = ask("own")
        return a, o.n, WithDesc.d, WithDesc.n

    check(run, lambda: (WithDesc(),))


class Slots:
    __slots__ = ("a", "b", "__weakref__")


def test_slots_are_memory(check: Check) -> None:
    def run(o):
        o.a = ask("1")
        try:
            x = o.b
        except AttributeError as e:
            x = str(e)
        o.b = o.a
        del o.a
        return x, o.b, hasattr(o, "a")

    def show(o):
        return run(o)

    class S2(Slots):
        def __repr__(self):
            return "S2"

    check(show, lambda: (S2(),))


class Eq:
    def __init__(self, n):
        self.n = n

    def __eq__(self, o):
        log(("eq", self.n))
        return self.n == getattr(o, "n", o)

    def __hash__(self):
        log(("hash", self.n))
        return 7

    def __repr__(self):
        return f"Eq{self.n}"


def test_equality_and_hashing_run_in_order(check: Check) -> None:
    def run(e, xs, d):
        e.n = ask("a")
        xs.append(e)
        d[e] = ask("b")
        return (
            e in xs,
            xs.index(e),
            xs.count("<a>"),
            e == "<a>",
            d[Eq("<a>")],
            len({e, Eq("<a>")}),
            Eq("<a>") in d,
            xs.remove(Eq("<a>")),
            {e: 1, Eq("z"): 2},
            max([1], key=lambda _: 1),
            [e] == [Eq("<a>")],
            (e,) == (Eq("<a>"),),
        )

    check(run, lambda: (Eq(0), [], {}))


class B:
    def __init__(self):
        self.v = True

    def __bool__(self):
        log(("bool", self.v))
        return self.v


def test_truth_is_asked_as_often_as_the_program_says(check: Check) -> None:
    def run(b):
        b.v = bool(ask("x") == "nope")
        r = []
        if b:
            r.append(1)
        r.append(not b)
        r.append(bool(b))
        r.append(any([b]))
        r.append(all([b]))
        r.append(list(filter(None, [b])))
        r.append(1 if b else 2)
        while b:
            break
        assert not b
        return [x if not isinstance(x, B) else "B" for x in r]

    def make():
        class BB(B):
            def __repr__(self):
                return "B"

        return (BB(),)

    check(run, make)


class Fmt:
    def __init__(self):
        self.t = ""

    def __str__(self):
        log("str")
        return "S" + self.t

    def __repr__(self):
        log("repr")
        return "R" + self.t

    def __format__(self, s):
        log("format")
        return "F" + self.t + s


def test_formatting_runs_in_order(check: Check) -> None:
    def run(f):
        f.t = ask("a")
        return (
            f"{f}{f!r}{f!s}{f:>3}",
            "%s %r" % (f, f),
            str(f),
            repr([f]),
            "{}".format(f),
            "{0.t}".format(f),
            format(f, "x"),
            ",".join([str(f)]),
            ascii(f),
            print(f),
        )

    check(run, lambda: (Fmt(),))


def test_an_exception_keeps_cause_context_and_notes(check: Check) -> None:
    class E(Exception):
        def __init__(self, *a):
            super().__init__(*a)
            log(("made", a))

        def __str__(self):
            log("str")
            return "E!"

    def run():
        try:
            try:
                raise E(ask("1"))
            except E as e:
                e.add_note(ask("note"))
                raise KeyError(ask("2")) from e
        except KeyError as k:
            return (
                repr(k),
                repr(k.__cause__),
                k.__cause__.__notes__,
                str(k.__cause__),
                k.__context__ is k.__cause__,
                k.__suppress_context__,
            )

    check(run)


def test_context_managers_see_the_exception(check: Check) -> None:
    class CM:
        def __enter__(self):
            log("in")
            return ask("enter")

        def __exit__(self, t, v, tb):
            log(("out", t, str(v), tb is None))
            ask("exit")
            return t is ValueError

    def run():
        r = []
        for name in ("good", "bad", "bad2"):
            with CM() as c:
                r.append((c, ask(name)))
            r.append(name)
        try:
            with CM():
                raise KeyError(ask("k"))
        except KeyError as e:
            r.append(e.args)
        return r

    check(run)


def test_else_and_finally_and_ways_out_of_loops(check: Check) -> None:
    def run():
        r = []
        for n in ("a", "bad", "c", "bad2", "e"):
            try:
                r.append(ask(n))
                if n == "c":
                    continue
            except ValueError as e:
                r.append(("err", e.args, ask("h" + n)))
                if n == "bad2":
                    break
            else:
                r.append(ask("else" + n))
            finally:
                r.append(ask("fin" + n))
                log(n)
        return r

    check(run)


def test_exceptions_that_are_no_errors_pass_like_others(check: Check) -> None:
    for exc in (SystemExit, KeyboardInterrupt, GeneratorExit, RecursionError, MemoryError):

        def run():
            log(ask("a"))
            try:
                ask("b")
                raise exc(ask("c"))
            except exc as e:
                log(e.args)
                return ask("d"), type(e)
            finally:
                log("f")

        check(run)


def test_weak_references_see_what_is_alive(check: Check) -> None:
    class N:
        pass

    def run():
        n = N()
        n.v = ask("a")
        r = weakref.ref(n)
        s = weakref.WeakValueDictionary()
        s["k"] = n
        p = weakref.proxy(n)
        return r() is n, s["k"] is n, p.v, r().v, len(s)

    check(run)


def test_a_deleted_variable_is_unbound(check: Check) -> None:
    def run(xs):
        x = ask("a")
        y = x
        del x
        try:
            return x
        except UnboundLocalError as e:
            return str(e), y

    check(run, lambda: ([],))


def test_a_call_sees_the_context_variables_of_its_place(check: Check) -> None:
    var = contextvars.ContextVar("v", default=0)

    @xcs.op
    def seen(x):
        return (x, var.get())

    def run():
        a = seen(1)
        var.set(1)
        b = seen(2)
        t = var.set(2)
        c = seen(3)
        var.reset(t)
        d = seen(4)
        return a, b, c, d, var.get()

    for _ in range(2):
        assert contextvars.copy_context().run(xcs.jit(run)) == contextvars.copy_context().run(run)


def test_thread_locals_are_memory(check: Check) -> None:
    local = threading.local()

    def run():
        local.x = ask("a")
        local.y = local.x + "!"
        return local.x, local.y, hasattr(local, "z")

    check(run)


def test_a_signal_handler_runs_in_the_middle(check: Check) -> None:
    def run():
        got = []
        old = signal.signal(signal.SIGUSR1, lambda *a: got.append(ask("sig")))
        try:
            x = ask("a")
            os.kill(os.getpid(), signal.SIGUSR1)
            y = ask("b")
            got.append(y)
        finally:
            signal.signal(signal.SIGUSR1, old)
        return got, x

    check(run)


def test_patched_methods_hold_while_they_are_patched(check: Check) -> None:
    mod = types.SimpleNamespace(f=lambda x: ask(x))

    class K:
        def m(self, x):
            return ask(x)

    def run():
        k = K()
        a = mod.f("1"), k.m("2")
        with (
            mock.patch.object(K, "m", lambda self, x: "patched"),
            mock.patch.object(mod, "f", return_value="mocked") as f,
        ):
            b = mod.f("3"), k.m("4"), f.call_count
        return a, b, mod.f("5"), k.m("6")

    check(run)


def test_an_operation_that_is_patched_is_not_called(check: Check) -> None:
    def run():
        a = ask("1")
        with mock.patch(__name__ + ".ask", return_value="fake") as m:
            b = ask("2"), ask("3"), m.call_args_list
        return a, b, ask("4")

    check(run)


def test_the_environment_is_memory(check: Check) -> None:
    def run():
        os.environ["XCS_T"] = ask("a")
        x = os.environ["XCS_T"], os.getenv("XCS_T"), "XCS_T" in os.environ
        del os.environ["XCS_T"]
        return x, os.getenv("XCS_T", ask("b"))

    check(run)


def test_classes_made_by_the_function(check: Check) -> None:
    def run():
        tag = ask("t")

        class C:
            x = tag

            def m(self):
                return self.x + ask("m")

            @property
            def p(self):
                return ask(self.x)

            @classmethod
            def c(cls):
                return cls.x

            @staticmethod
            def s():
                return ask("s")

        class D(C):
            def m(self):
                return super().m() + "D"

        return C().m(), D().m(), D().p, D.c(), C.s(), isinstance(D(), C)

    check(run)


def test_callables_of_functools_and_operator(check: Check) -> None:
    def run(xs):
        xs.append(ask("a"))
        g = operator.itemgetter(0)
        a = operator.attrgetter("text")
        m = operator.methodcaller("upper")
        h = Holder()
        h.text = ask("b")
        return (
            g(xs),
            a(h),
            m(ask("c")),
            functools.partial(ask, "d")(),
            functools.reduce(lambda x, y: x + ask(y), ["e", "f"], ""),
            operator.add(xs, ["q"]),
            operator.contains(xs, "<a>"),
        )

    check(run, lambda: ([],))


def test_closures_share_their_variables(check: Check) -> None:
    def run():
        n = 0
        seen = []

        def inc(by):
            nonlocal n
            n += by
            seen.append(n)
            return ask(str(n))

        a = [inc(1) for _ in range(3)]

        def late():
            return n, ask("l" + str(n))

        n = 10
        return a, late(), seen, n

    check(run)


def test_globals_come_and_go(check: Check) -> None:
    global GL
    GL = 0

    def run():
        global GL
        GL = ask("1")
        a = GL
        GL += ask("2")
        del GL
        try:
            GL
        except NameError as e:
            b = str(e)
        GL = 0
        return a, b

    check(run)


def test_views_follow_their_dict(check: Check) -> None:
    def run(d):
        ks = d.keys()
        it = d.items()
        d["b"] = ask("1")
        d["a"] = ask("2")
        d.setdefault("c", []).append(ask("3"))
        d.setdefault("c", []).append(ask("4"))
        x = list(ks), list(it)[-1], "c" in ks
        d.pop("b")
        d["b"] = 1
        return x, list(d), d.popitem(), [*d.values()][-1], d | {"z": ask("z")}

    check(run, lambda: ({"a": 0},))


def test_what_is_changed_while_it_is_iterated_over(check: Check) -> None:
    def run(d, xs):
        for k in list(d):
            d[k] = ask(k)
        try:
            for k in d:
                d[k + "x"] = ask(k)
        except RuntimeError as e:
            err = str(e)
        for x in xs:
            if len(xs) < 6:
                xs.append(ask(str(x)))
        return err, xs

    check(run, lambda: ({"a": 1, "b": 2}, [1, 2]))


def test_generators_are_sent_to_and_closed(check: Check) -> None:
    def gen(n):
        try:
            for i in range(n):
                got = yield ask(str(i))
                log(got)
        finally:
            log("closed")
        return ask("ret")

    def outer():
        r = yield from gen(2)
        log(r)
        yield ask("last")

    def run():
        g = gen(3)
        a = next(g)
        b = g.send(ask("s"))
        g.close()
        o = list(outer())
        g2 = gen(5)
        for x in g2:
            if x == "<1>":
                break
        try:
            g3 = gen(1)
            next(g3)
            g3.throw(ValueError(ask("v")))
        except ValueError as e:
            c = e.args
        return a, b, o, c, next(g2)

    def run2():
        g = gen(3)
        a = next(g)
        b = g.send(ask("s"))
        g.close()
        return a, b, list(outer())

    check(run2)


def test_comprehensions_have_variables_of_their_own(check: Check) -> None:
    def run():
        x = "outer"
        a = [ask(x) for x in "ab"]
        b = {x: ask(x) for x in "cd"}
        c = {ask(x) for x in "e"}
        d = list(ask(x) for x in "f")
        fs = [lambda: ask(x) for x in "gh"]
        return a, b, c, d, x, [f() for f in fs], [(y := ask(z)) for z in "i"], y

    check(run)


def test_stars_on_both_sides(check: Check) -> None:
    def f(*a, k=None, **kw):
        return a, k, kw

    def run():
        a, *b = [ask("1"), ask("2"), ask("3")]
        return (
            a,
            b,
            f(*b, **{"k": ask("k"), "z": ask("z")}),
            f(*(ask(x) for x in "xy")),
            [*b, *[ask("q")]],
            {**{"p": ask("p")}},
        )

    check(run)


def test_patterns_over_answers(check: Check) -> None:
    def run():
        r = []
        for n in ("a", "bad", "c"):
            try:
                v = {"t": ask(n), "n": [1, n]}
            except ValueError:
                v = None
            match v:
                case {"t": str(s), "n": [int(i), x]} if x:
                    r.append((s, i, x, ask("m")))
                case None:
                    r.append("none")
        return r

    check(run)


def test_operators_in_place(check: Check) -> None:
    class M:
        def __init__(s):
            s.l = []

        def __iadd__(s, o):
            log(("iadd", o))
            s.l.append(o)
            return s

        def __imul__(s, o):
            return NotImplemented

        def __mul__(s, o):
            log("mul")
            return o

    def run():
        m = M()
        m += ask("a")
        m2 = m
        m *= ask("b")
        t = (1,)
        t += (ask("c"),)
        s = "x"
        s += ask("d")
        n = 1
        n += len(ask("e"))
        l = [1]
        k = l
        l += [ask("f")]
        l *= 2
        d = {"n": 1}
        d["n"] += len(ask("g"))
        d["l"] = l
        d["l"] += [ask("h")]
        return m2.l, m, t, s, n, k is l, l, d

    check(run)


def test_sorting_by_answers(check: Check) -> None:
    def run(xs):
        xs.sort(key=lambda x: len(ask(x)))
        ys = sorted(xs, key=ask, reverse=True)
        return xs, ys, max(xs, key=ask), min(xs, key=lambda x: -len(ask(x))), xs.sort()

    check(run, lambda: (["bbb", "a", "cc", "dd"],))


def test_warnings_and_streams_in_order(check: Check) -> None:
    def run():
        with warnings.catch_warnings(record=True) as w:
            warnings.simplefilter("always")
            warnings.warn(ask("w"))
            warnings.warn("x", DeprecationWarning)
        s = io.StringIO()
        s.write(ask("1"))
        print(ask("2"), file=s)
        s.write("!")
        with contextlib.redirect_stdout(s):
            print(ask("3"))
        return [str(x.message) for x in w], s.getvalue()

    check(run)
