# ruff: noqa
# mypy: ignore-errors
"""63 programs that are hard to run in parallel with exactly the sequential observation.

Each case is a plain sequential function over stand-in externals (llm, llm_obj, score, flaky: independent; write, read:
ordered). An observation is (result or exception, ordered effects, stdout, state of the arguments, state of the module).

    from litmus.cases import CASES, observe
    for case in CASES:
        expected = observe(case, case.function, Schedule(seed))
        actual = observe(case, jit(case.function), Schedule(seed))
        assert actual == expected

A schedule says how long each external takes and which of them fail, by name and argument, so that both runs meet the
same failures in whatever order the calls are made and finish. Its epoch changes every answer of the externals.
"""

import asyncio, contextlib, copy, functools, io, logging, random, sys, threading, time, traceback, zlib
from dataclasses import dataclass


# ---------------------------------------------------------------- schedules and externals
class ToolError(Exception):
    pass


class Outage(Exception):
    """The failure that schedules inject."""


def _draw(*parts):
    """A number in [0, 1) that depends on the parts alone."""
    return zlib.crc32(repr(parts).encode()) / 2**32


@dataclass(frozen=True)
class Schedule:
    """Attributes:
    seed: Chooses latencies, and the calls that fail; 0 means short equal latencies and no failure.
    epoch: Changes the answers.
    """

    seed: int = 0
    epoch: int = 0

    @property
    def fails(self):
        return self.seed % 2 == 1

    def latency(self, name, argument):
        return _draw("latency", self.seed, name, argument) * 0.004 if self.seed else 0.001

    def outage(self, name, argument):
        return self.fails and _draw("outage", self.seed, name, argument) < 0.2


WORLD = []
CALLS = []
BAD = set()
UNDER_WAY = [0]
NOW = Schedule()
_lk = threading.Lock()


def _external(name, argument):
    with _lk:
        CALLS.append((name, argument))
        UNDER_WAY[0] += 1
    try:
        time.sleep(NOW.latency(name, argument))
        if NOW.outage(name, argument):
            raise Outage(name, argument)
    finally:
        with _lk:
            UNDER_WAY[0] -= 1


def llm(p):  # unordered, idempotent; answer varies with the epoch (a re-run of an LLM differs)
    _external("llm", p)
    return f"r{NOW.epoch}({p})"


def llm_obj(p):
    _external("llm_obj", p)
    return {"text": f"r{NOW.epoch}({p})", "n": len(p)}


def score(p):
    _external("score", p)
    return (sum(map(ord, p)) + NOW.epoch) % 7


def flaky(p):
    _external("flaky", p)
    if p in BAD:
        raise ToolError(p)
    return f"ok({p})"


INDEPENDENT = (llm, llm_obj, score, flaky)


def write(x):  # ordered effect
    with _lk:
        WORLD.append(("w", x))
    if NOW.outage("write", x):
        raise Outage("write", x)
    return len(WORLD)


def read():  # read-only effect: must see all earlier writes, no later ones
    with _lk:
        n = len(WORLD)
    WORLD.append(("r", n))
    return n


G = {"n": 0}
GLIST = []
GCOUNT = 0


class Agent:
    def __init__(s, name):
        s.name = name
        s.hist = []
        s.n = 0

    def ask(s, q):
        s.hist.append(q)
        s.n += 1
        r = llm(f"{s.name}:{q}:{s.n}")
        s.hist.append(r)
        return r

    @property
    def lazy(s):
        s.n += 1
        return llm(f"prop{s.n}")


class Txn:
    def __init__(s, name, swallow=False):
        s.name = name
        s.swallow = swallow

    def __enter__(s):
        write("begin " + s.name)
        return s

    def __exit__(s, t, v, tb):
        write(("abort " if t else "commit ") + s.name)
        return s.swallow


CASES = []


@dataclass(frozen=True)
class Case:
    function: object
    arguments: tuple
    bad: frozenset  # what makes flaky fail

    @property
    def name(self):
        return self.function.__name__


def case(*args, bad=()):
    def d(f):
        CASES.append(Case(f, args, frozenset(bad)))
        return f

    return d


# ---------------------------------------------------------------- A. accumulation / mutation / aliasing
@case(["a", "b", "c"])
def append_acc(qs):
    out = []
    for q in qs:
        out.append(llm(q))
    return out


@case(["a", "b", "c"])
def dict_acc(qs):
    d = {}
    for q in qs:
        d[llm(q)] = len(d)
    return list(d.items())


@case(["a", "b", "a"])
def last_write_wins(qs):
    d = {}
    for i, q in enumerate(qs):
        d[q] = llm(f"{q}{i}")
    return d


@case(["a", "b"])
def alias_list(qs):
    a = []
    b = a
    for q in qs:
        a.append(llm(q))
        b.append("|")
    return b


@case(["a", "b"])
def mutate_after_call(qs):
    msg = []
    out = []
    for q in qs:
        msg.append(q)
        out.append(llm(str(msg)))
    msg.clear()
    return out


@case({"k": "x"})
def mutate_argument(d):
    d["ans"] = llm(d["k"])
    d["k"] = "y"
    return llm(d["k"])


@case(["a", "b"])
def iadd_alias(qs):
    x = [0]
    y = x
    for q in qs:
        x += [llm(q)]
    return y is x and y


@case("q")
def attr_mutation(q):
    a = Agent("A")
    r1 = a.ask(q)
    r2 = a.ask(r1)
    return r1, r2, a.hist, a.n


@case(["a", "b", "c"])
def two_agents_interleaved(qs):
    a, b = Agent("A"), Agent("B")
    for q in qs:
        b.ask(a.ask(q))
    return a.hist, b.hist


@case("q")
def default_mutable(q, _m=None):
    def f(x, acc=[]):
        acc.append(llm(x))
        return list(acc)

    return f("1"), f("2")


@case(["a", "b"])
def global_mutation(qs):
    global GCOUNT
    for q in qs:
        GCOUNT += 1
        G["n"] += len(llm(q + str(GCOUNT)))
    return G["n"], GCOUNT


@case(["b", "a", "c"])
def sort_key_calls(qs):
    return sorted(qs, key=lambda s: score(s))


@case(["a", "b", "c"])
def dedupe_set(qs):
    seen = set()
    out = []
    for q in qs:
        r = score(q)
        if r not in seen:
            seen.add(r)
            out.append(llm(q))
    return out


# ---------------------------------------------------------------- B. control flow
@case(["a", "b", "c", "d"])
def early_return(qs):
    for q in qs:
        if score(q) % 2 == 0:
            write("found " + q)
            return q
    return None


@case(["a", "b", "c", "d"])
def break_on_result(qs):
    n = 0
    for q in qs:
        write("try " + q)
        if score(q) > 3:
            break
        n += 1
    else:
        write("exhausted")
    return n


@case(["a", "b", "c"])
def continue_skip(qs):
    out = []
    for q in qs:
        if score(q) % 2:
            continue
        out.append(llm(q))
        write(q)
    return out


@case("s")
def while_until(q):
    n = 0
    r = llm(q)
    while len(r) < 24 and n < 9:
        r = llm(r)
        n += 1
    return n, r


@case("s")
def walrus_loop(q):
    out = []
    while (s := score(q + str(len(out)))) != 3 and len(out) < 6:
        out.append(s)
    return out


@case("q")
def short_circuit(q):
    return (score(q) > 99 and write("never")) or (score(q) < 99 or write("never2"))


@case("q")
def ternary(q):
    return write("yes") if score(q) > 2 else write("no")


@case("q")
def chain_compare(q):
    return 0 <= score(q) < 99 < score("z")


@case(["a", "b", "c", "d"])
def any_short_circuit(qs):
    return any(write(q) and score(q) > 2 for q in qs)


@case("q")
def match_stmt(q):
    match score(q):
        case 0 | 1:
            return write("low")
        case n if n < 5:
            return write(f"mid{n}")
        case _:
            return write("high")


@case(3)
def nested_loops(n):
    t = {}
    for i in range(n):
        for j in range(i):
            t[i, j] = llm(f"{i}{j}")
    return t


@case("q")
def unused_result(q):
    llm("warm")
    return llm(q)


# ---------------------------------------------------------------- C. exceptions
@case(["a", "b", "c"], bad=["b"])
def try_fallback(qs):
    out = []
    for q in qs:
        try:
            out.append(flaky(q))
        except ToolError as e:
            out.append("fallback " + e.args[0])
    return out


@case(["a", "b", "c"], bad=["b", "c"])
def first_exception_wins(qs):
    return [flaky(q) for q in qs]


@case(["a", "b", "c"], bad=["b"])
def exception_stops_effects(qs):
    for q in qs:
        flaky(q)
        write(q)


@case("x", bad=["x1", "x2"])
def retry_loop(p):
    for k in range(1, 5):
        try:
            return k, flaky(p + str(k))
        except ToolError:
            write(f"retry{k}")


@case("x", bad=["x"])
def finally_order(p):
    try:
        write("enter")
        flaky(p)
        write("not reached")
    finally:
        write("cleanup")


@case("x", bad=["x"])
def except_in_caller(p):
    def inner():
        write("i")
        return flaky(p)

    try:
        return inner()
    except ToolError:
        return llm("recover")


@case("x", bad=["x"])
def raise_from(p):
    try:
        flaky(p)
    except ToolError as e:
        raise ValueError("wrapped") from e


@case("q")
def assert_between(q):
    a = llm(q)
    assert a.startswith("zzz"), a
    write("never")


@case("q")
def index_error_after_call(q):
    r = llm(q)
    write("one")
    return [r][score(q) + 1]


# ---------------------------------------------------------------- D. effects, ordering, time, printing
@case(["a", "b", "c"])
def ordered_writes(qs):
    for q in qs:
        write(llm(q))
    return list(WORLD)


@case(["3", "1", "2"])
def effects_reverse_latency(qs):
    for q in qs:
        write(q)
    return [w for w in WORLD]


@case("q")
def read_your_write(q):
    write("1")
    a = read()
    write("2")
    b = read()
    return a, b


@case(["a", "b"])
def print_order(qs):
    for q in qs:
        print("ask", q)
        print("got", llm(q))


@case(["a", "b"])
def rng_order(qs):
    return [(random.random(), llm(q), random.randint(0, 9)) for q in qs]


@case(["a", "b"])
def kwargs_eval_order(qs):
    def f(**k):
        return k

    return f(x=write("x"), y=write("y"), z=llm("z"))


@case("q")
def fstring_order(q):
    return f"{write('1')}-{llm(q)}-{write('2')}"


@case(["a", "b"])
def log_handler(qs):
    rec = []

    class H(logging.Handler):
        def emit(s, r):
            rec.append(r.getMessage())

    L = logging.getLogger("lit")
    L.setLevel(10)
    L.propagate = False
    L.handlers = [H()]
    for q in qs:
        L.info("q %s", q)
        L.info("a %s", llm(q))
    return rec


# ---------------------------------------------------------------- E. functions, closures, dispatch
@case(["a", "b"])
def late_binding(qs):
    fs = [lambda: llm(q) for q in qs]
    return [f() for f in fs]


@case(["a", "b", "c"])
def nonlocal_counter(qs):
    n = 0

    def step(q):
        nonlocal n
        n += 1
        return llm(f"{q}{n}")

    return [step(q) for q in qs], n


@case("q")
def dynamic_dispatch(q):
    tools = {"even": lambda: write("E"), "odd": lambda: write("O")}
    return tools["even" if score(q) % 2 == 0 else "odd"]()


@case("q")
def getattr_dispatch(q):
    a = Agent("A")
    return getattr(a, "ask" if score(q) >= 0 else "x")(q)


@case(2)
def tree_of_thoughts(depth):
    def grow(path, d):
        if d == 0:
            return [(score(path), path)]
        kids = [path + str(i) for i in range(3)]
        kept = sorted(kids, key=lambda p: -score(p))[:2]
        return [x for k in kept for x in grow(llm(k), d - 1)]

    return max(grow("t", depth))


@case(4)
def recursion_dependent(n):
    return llm("base") if n == 0 else llm(recursion_dependent(n - 1))


@case("q")
def property_effect(q):
    a = Agent("A")
    return a.lazy, a.lazy


@case(["a", "a", "b"])
def memo(qs):
    @functools.lru_cache(None)
    def f(q):
        write("miss " + q)
        return llm(q)

    return [f(q) for q in qs]


@case(["a", "b", "c"])
def reduce_chain(qs):
    return functools.reduce(lambda acc, q: llm(acc + q), qs, "")


@case(["a", "b"])
def star_args(qs):
    def f(*a, **k):
        return a, k

    return f(*[llm(q) for q in qs], **{q: llm(q + q) for q in qs})


def helper(q):
    write("GLOBAL helper must not run")
    return "global"


@case("q")
def shadowed_name(q):
    def helper(q):
        return llm(q)

    return helper(q), helper(q + "2")


@case("q")
def identity_is(q):
    r = llm_obj(q)
    xs = [r]
    return xs[0] is r, r["text"]


# ---------------------------------------------------------------- F. generators, context managers, async
@case(["a", "b", "c"])
def gen_lazy(qs):
    def g():
        for q in qs:
            write("pull " + q)
            yield llm(q)

    it = g()
    first = next(it)
    write("between")
    return first, next(it)


@case(["a", "b", "c", "d"])
def gen_early_stop(qs):
    def g():
        try:
            for q in qs:
                write(q)
                yield score(q)
        finally:
            write("closed")

    for s in g():
        if s > 2:
            break
    return s


@case(["a", "b"])
def gen_send(qs):
    def g():
        r = yield "ready"
        while True:
            r = yield llm(r)

    it = g()
    next(it)
    return [it.send(q) for q in qs]


@case("q")
def ctx_commit(q):
    with Txn("t"):
        r = llm(q)
        write(r)
    return r


@case("q", bad=["q"])
def ctx_abort(q):
    with Txn("t"):
        flaky(q)
        write("never")


@case("q", bad=["q"])
def ctx_swallow(q):
    with Txn("t", True):
        flaky(q)
        write("never")
    return write("after")


@case(["a", "b"])
def async_gather(qs):
    async def one(q):
        await asyncio.sleep(0)
        return llm(q)

    async def amain():
        return await asyncio.gather(*[one(q) for q in qs])

    return asyncio.run(amain())


@case(["a", "b"])
def contextvar_scope(qs):
    import contextvars

    v = contextvars.ContextVar("v", default="-")
    out = []
    for q in qs:
        t = v.set(q)
        out.append((v.get(), llm(v.get())))
        v.reset(t)
    return out, v.get()


@case(["a", "b"])
def dependent_chain_str(qs):
    a = llm("start")
    b = llm("refine " + a)
    return a, b


# ---------------------------------------------------------------- harness
def _reset(case, schedule):
    global GCOUNT, NOW
    assert UNDER_WAY[0] == 0, "a call outlived its run"
    WORLD.clear()
    CALLS.clear()
    BAD.clear()
    BAD.update(case.bad)
    NOW = schedule
    G["n"] = 0
    GCOUNT = 0
    random.seed(7)


# A comprehension has a frame of its own in some versions of Python only.
_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>"}


def _described(error):
    """The exception with its chain, and the lines of this file that its traceback shows."""
    if error is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(f.name, f.lineno) for f in frames if f.filename == __file__ and f.name not in _COMPREHENSIONS]
    chain = _described(error.__cause__), _described(error.__context__), error.__suppress_context__
    return type(error).__name__, repr(error.args), lines, chain


@contextlib.contextmanager
def _unraisable(found):
    """Collects the exceptions of finalizers, which go nowhere."""
    before = sys.unraisablehook
    sys.unraisablehook = lambda about: found.append((type(about.exc_value).__name__, about.exc_value.args))
    try:
        yield
    finally:
        sys.unraisablehook = before


def observe(case, function, schedule):
    """Call once on a copy of the arguments in a fresh world and return the observation, as text, by part."""
    _reset(case, schedule)
    arguments = copy.deepcopy(case.arguments)
    out = io.StringIO()
    ignored = []
    with contextlib.redirect_stdout(out), _unraisable(ignored):
        try:
            result = ("ok", function(*arguments))
        except Exception as e:
            result = ("exc", _described(e))
    assert UNDER_WAY[0] == 0, "a call outlived its run"
    return {
        "result": repr(result),
        "effects": repr(WORLD),
        "stdout": out.getvalue(),
        "arguments": repr(arguments),
        "module": repr((G, GCOUNT)),
        "ignored": repr(ignored),
    }


def calls():
    """The independent calls of the last run, in an order that does not depend on the schedule."""
    return sorted(CALLS)
