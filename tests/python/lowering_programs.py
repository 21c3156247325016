"""Small functions whose every step is visible: what lowering has to keep in order.

Each takes `v`, which makes values that log whatever is done to them. See test_lowering.py.
"""

# ruff: noqa - unusual spellings are what these programs are for

from __future__ import annotations

from typing import Any, Callable

Make = Callable[[str], Any]
shared = None


def operators_before_calls(v: Make) -> Any:
    a, b, c = v("a"), v("b"), v("c")
    return (a + b) + c(1), a * b - c.x / b[a], -a + (b @ c(a + b))


def operands_of_calls(v: Make) -> Any:
    f, a = v("f"), v("a")
    return f(a + 1, a.x, key=a[0], other=-a), f.m(a), f.m(a.x), f.m(a + a), f.x.y(1)(2)


def unpacked_arguments(v: Make) -> Any:
    f, a, d = v("f"), v("a"), {"k": v("k")}
    return f(*a, a.x), f(*a), f(1, *a, **d), f(*a, k2=a.y, **d), f(*a, *a.z, **d, k3=a.w)


def formatted(v: Make) -> Any:
    a, b, w = v("a"), v("b"), 12
    return f"{a}{b(1)}", f"{a!r:>{w}}", f"{a + b} {a.x}", f"{b(a):{w}}", "x" + f"{a}", f"{{}}"


def displays(v: Make) -> Any:
    a, b = v("a"), v("b")
    return (
        [a + b, b(1), a],
        (a, *b, a.x),
        {a: b(1), "k": a},
        {a, b.x},
        {**{"q": a}, "r": b(2)},
        [[a], {"k": [b]}],
    )


def subscripts(v: Make) -> Any:
    a, b = v("a"), v("b")
    return a[b : b.x], a[:, b(1)], a[b, b.x : 2 : b + 1], a[1:2][0], a[...]


def booleans(v: Make) -> Any:
    t, f = v("t"), v("")
    return (
        t and f and t(1),
        f and t(1) or t,
        (t and f) or f(1),
        (f or t) and (f or f(2)),
        not (t and f(1)),
        t(1) if f else f(1),
        t if t and not f else f,
        (t and f) or (f and t),
    )


def conditions(v: Make) -> Any:
    t, f = v("t"), v("")
    log = []
    if t and f(1) or f and t:
        log.append(1)
    elif not t or (f(2) if f else t):
        log.append(2)
    if t and f or t:
        log.append(3)
    if (t if f else f) or t < f < t(1):
        log.append(4)
    return log


def comparisons(v: Make) -> Any:
    a, b, c = v("a"), v("b"), v("c")
    return (
        a < b < c,
        a < b(1) <= c(2) != a,
        a in b,
        a not in b(1),
        a in b in c,
        a is b is not c,
        a == b.x,
        1 < 2 < 3,
    )


def assignments(v: Make) -> Any:
    a, b = v("a"), v("b")
    x = a.p = b[0] = a + b
    a, b = b, a
    x, a.q, b[x] = a, b, a(1)
    (c, *d), e = (a, b, x), [a]
    a.r, (b[1], f) = v("s")(1), v("pair")
    [g, h] = [h, *i] = v("two")
    a.t: int = b.u
    j: int = 3
    return x, a, b, c, d, e, f, g, h, i, j


def same_targets(v: Make) -> Any:
    i = i2 = 0
    i, [0, 1, 2][i] = 1, v("a")
    a, a = v("b"), v("c")
    (b, c) = d = v("two")
    x = (1, 2)
    (x, y) = z = x
    return i, i2, a, b, c, d, x, y, z


def augmented(v: Make) -> Any:
    a, b = v("a"), v("b")
    x = a
    x += b(1)
    a.x -= b.y
    a[b] *= b(2)
    a[0:1] //= b
    a.p.q **= a.p.q
    n = 1
    n += (n := 5)
    return x, a, n


def walruses(v: Make) -> Any:
    x, a = 1, v("a")
    r = x + (x := 2) + x
    s = a(x, (x := 3), x)
    t = [y := x, y + (y := 7), y]
    u = (z := a.b) and z.c
    w = [last := i for i in (1, 2, 3) if (q := i) > 1]
    x = (x := x + 1) * x
    return r, s, t, u, w, last, q, x


def deletions(v: Make) -> Any:
    a, x, y = v("a"), 1, 2
    del a.x, a[0], (x, y), a[1:2]
    try:
        x
    except UnboundLocalError as error:
        return str(error)


def unbound_operands(v: Make) -> Any:
    a = v("a")
    seen = []
    for attempt in range(4):
        try:
            if attempt == 0:
                seen.append(a + late + a(1))
            elif attempt == 1:
                a(late, a(2))
            elif attempt == 2:
                (a + a) + late
            else:
                late.x = a(3)
        except UnboundLocalError as error:
            seen.append(str(error))
    if a is None:
        late = 1
    return seen


def loops(v: Make) -> Any:
    out = []
    for x, (y, *z) in [(1, v("two")), (2, v("pair"))]:
        for a.attr in v("it") if x == 2 else []:
            pass
        if x == 3:
            break
        out.append((x, y, z))
    else:
        out.append("else")
    n = 3
    while n and (n := n - 1):
        if n == 1:
            continue
        out.append(n)
    else:
        out.append("done")
    while True:
        n += 1
        if n > 2:
            break
    return out, n


def exits(v: Make) -> Any:
    out = []
    for i in v("it"):
        try:
            for j in range(3):
                try:
                    if j == 1:
                        continue
                    if i == 1:
                        break
                    if j == 2:
                        return out
                finally:
                    out.append((i, j))
            else:
                out.append("no break")
        finally:
            out.append("outer")
    return out


def exceptions(v: Make) -> Any:
    out = []
    for i in range(5):
        try:
            try:
                if i == 0:
                    raise KeyError(i)
                if i == 1:
                    raise ValueError from v("cause").error
                if i == 2:
                    v("boom").explode()
                if i == 3:
                    raise TypeError("t") from None
            except (KeyError, v("x").error) as e:
                out.append(("first", repr(e)))
                e = None
            except TypeError as e:
                out.append(("second", repr(e), e.__suppress_context__))
                del e
                raise
            else:
                out.append("else")
            finally:
                out.append(("finally", i))
        except Exception as error:
            out.append((type(error), repr(error.__cause__), repr(error.__context__)))
    return out


def finally_wins(v: Make) -> Any:
    for i in range(3):
        try:
            v("boom").explode()
        finally:
            if i < 2:
                continue
            return v("r").x


def reraises(v: Make) -> Any:
    try:
        try:
            raise KeyError("a")
        except KeyError:
            try:
                raise ValueError("b")
            except ValueError:
                pass
            raise
    except KeyError as error:
        return repr(error), repr(error.__context__)


def name_of_exception_ends(v: Make) -> Any:
    e = 1
    out = []
    for i in range(3):
        try:
            raise ValueError(i)
        except ValueError as e:
            if i == 0:
                continue
            if i == 1:
                out.append((lambda: e)())
    try:
        e
    except UnboundLocalError as error:
        out.append(str(error))
    except NameError as error:
        out.append(str(error))
    return repr(out)


def contexts(v: Make) -> Any:
    out = []
    with v("m") as x, v("n") as (y, z):
        out.append((x, y, z))
    with v("swallow"):
        v("boom").explode()
    for i in range(3):
        with v("m2"):
            if i == 0:
                continue
            if i == 1:
                break
    try:
        with v("m3") as a.attr:
            pass
    except NameError as error:
        out.append(repr(error))
    with v("m4"):
        with v("m5"):
            return out


def no_context(v: Make) -> Any:
    with v("m"), 3:
        v("never")(1)


def matches(v: Make) -> Any:
    out = []
    limit = 2
    for subject in [1, (1, 2, 3), {"k": 1, "l": 2}, "text", None, v("obj"), [1, [2, 3]], 2.5, (), [], {}]:
        match subject:
            case 1 | 2 as n if n < limit and v("g"):
                out.append(("number", n))
            case [a, *rest] if len(rest) > limit:
                out.append(("never", a, rest))
            case [x, [y, z]]:
                out.append((x, y, z))
            case (first, *others):
                out.append((first, others))
            case {"k": k, **rest}:
                out.append((k, rest))
            case str() | None:
                out.append("text")
            case float(real=r):
                out.append(r)
            case []:
                out.append("empty")
            case other if not other:
                out.append(("falsy", other))
            case _:
                out.append("other")
    return out


def comprehensions(v: Make) -> Any:
    k = v("k")
    x = "kept"
    return (
        [x + k(x) for x in (1, 2) if k.ok for y in (x, x) if y],
        {x: y for x, y in [(1, 2), (3, 4)]},
        {x for x in v("it")},
        [[y for y in range(x)] for x in range(3)],
        [f() for f in [lambda: x for x in range(3)]],
        [f() for f in [(lambda x=x: x) for x in range(3)]],
        list(x + k.g for x in v("it") if x),
        x,
    )


def closures(v: Make) -> Any:
    n = 0

    def count(by: int = v("default").d, *args: Any, key: Any = v("kw"), **kwargs: Any) -> int:
        nonlocal n
        n += 1
        return n

    def outer() -> Any:
        def inner() -> Any:
            return n, v

        return inner

    n = 10
    count()
    count(1, 2, key=3, z=4)
    del v
    try:
        outer()()
    except NameError as error:
        return n, count.__qualname__, count.__defaults__, count.__kwdefaults__, str(error)


def decorated(v: Make) -> Any:
    @v("first")
    @v("second").attr(1)
    def f(x: int) -> None:
        pass

    @v("third")
    class C(object, metaclass=type):
        y = v("in class").z

        def m(self) -> Any:
            return __class__

    return f, C


def globals_too(v: Make) -> Any:
    global shared, never
    shared = v("s")
    shared.x = shared
    shared += 1
    try:
        del never
    except NameError as error:
        pass
    import os.path as path
    from sys import maxsize, version_info as version

    return shared, path.sep, maxsize > 1, version[0]


def asserts(v: Make) -> Any:
    assert v("t"), v("unused").x
    assert v("")(1), v("message").x + 1


def bare_assert(v: Make) -> Any:
    AssertionError = ValueError
    assert v("")


def private_names(v: Make) -> Any:
    class Owner:
        __secret = 3

        def get(self) -> Any:
            __local = self.__secret
            f = lambda: __local + 1
            self.__other = [__local for _ in range(2)]
            return f(), self.__other, sorted(vars(self))

    return Owner().get()


def generator(v: Make) -> Any:
    def produce(a: Any) -> Any:
        got = yield a.x
        try:
            while got:
                got = yield (yield got) + a(got)
        finally:
            a.closed = got

    g = produce(v("a"))
    return next(g), g.send(1), g.send(2), g.send(3), g.close()


class Base:
    def greet(self, v: Make) -> Any:
        return v("base").x


class Derived(Base):
    def greet(self, v: Make) -> Any:
        items = [super(Derived, self).greet(v) for _ in range(1)]
        if v("t"):
            items.append(super().greet(v))
        return items, __class__.__name__


def zero_super(v: Make) -> Any:
    return Derived().greet(v)


PROGRAMS = [
    f
    for f in dict(globals()).values()
    if callable(f) and getattr(f, "__module__", "") == __name__ and hasattr(f, "__code__")
]
