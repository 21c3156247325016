"""What users write with the standard library and with classes of their own, as texts with holes.

A hole is a type, which an expression fills; `<args>`, which the arguments of an independent call fill; `<block>`,
which statements fill; or any other word, which a new name fills, the same one throughout a text. `<name=type>`
is a new variable that the program can use from there on.
"""

from __future__ import annotations

IMPORTS = """\
import asyncio
import copy
import csv
import enum
import json
import operator
import os
import re
import threading
import xcs
from collections import ChainMap, OrderedDict, namedtuple
from concurrent.futures import ThreadPoolExecutor

from random_programs.world import answered, asleep, path
"""

# By feature: classes and functions that texts of the feature use.
PRELUDES = {
    "named": """\
Point = namedtuple("Point", "name size")


class Color(enum.Enum):
    RED = 0
    GREEN = 1
    BLUE = 2


class Flag(enum.IntFlag):
    A = 1
    B = 2
""",
    "operators": """\
class Money:
    def __init__(self, amount, notes=()):
        self.amount = amount
        self.notes = list(notes)

    def __add__(self, other):
        if isinstance(other, str):
            return NotImplemented
        record(("add", self.amount))
        return Money(self.amount + getattr(other, "amount", other), self.notes)

    def __radd__(self, other):
        self.notes.append(ask("radd", other))
        return Money(other if isinstance(other, int) else self.amount)

    def __iadd__(self, other):
        self.notes.append(ask(self.notes, "iadd"))
        self.amount += getattr(other, "amount", 1)
        return self

    def __neg__(self):
        return Money(-self.amount, [*self.notes, "neg"])

    def __mul__(self, times):
        return Money(self.amount * count(times), self.notes)

    __rmul__ = __mul__

    def __or__(self, other):
        record(("or", self.amount))
        return self if yes(self.amount) else other

    def __lt__(self, other):
        return count(self.amount, other.amount) < 2

    def __le__(self, other):
        record("le")
        return self.amount <= other.amount

    def __eq__(self, other):
        return isinstance(other, Money) and self.amount == other.amount

    def __hash__(self):
        return hash(self.amount)

    def __bool__(self):
        return yes("bool", self.amount)

    def __len__(self):
        record(("len", self.amount))
        return len(self.notes)

    def __contains__(self, note):
        return ask(note) in self.notes

    def __iter__(self):
        for note in self.notes:
            yield ask(note)

    def __getitem__(self, index):
        return (self.notes or ["none"])[index]

    def __setitem__(self, index, note):
        self.notes[index:] = [note]

    def __delitem__(self, index):
        del self.notes[index]

    def __call__(self, *given):
        return ask(self.amount, *given)

    def __index__(self):
        return count(self.amount)

    def __str__(self):
        return f"money {ask(self.amount)}"

    def __repr__(self):
        return f"Money({self.amount!r})"

    def __format__(self, spec):
        return ask(spec) + str(self.amount)
""",
    "descriptors": """\
class Checked:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return instance.__dict__.get(self.name, "unset")

    def __set__(self, instance, value):
        record(("set", self.name))
        instance.__dict__[self.name] = ask(value)


class Account:
    name = Checked()
    made = 0
    kinds = []

    def __init__(self, name, tags=None):
        self.name = name
        self._tags = tags or []
        Account.made += 1

    @property
    def tags(self):
        return [ask(t) for t in self._tags]

    @tags.setter
    def tags(self, value):
        record(("tags", len(value)))
        self._tags = value

    @tags.deleter
    def tags(self):
        self._tags = []

    @functools.cached_property
    def summary(self):
        record("summary")
        return ask(self._tags)

    @classmethod
    def plain(cls, name):
        cls.kinds.append(name)
        return cls(name)

    @staticmethod
    def clean(text):
        return ask(text).strip()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return ask("missing", name)


class Savings(Account):
    def __setattr__(self, name, value):
        if name == "rate":
            record("rate")
        super().__setattr__(name, value)

    @property
    def tags(self):
        return ["saved", *super().tags]


class Missing(dict):
    def __missing__(self, key):
        self[key] = ask(key)
        return self[key]
""",
    "async": """\
class Session:
    async def __aenter__(self):
        record("enter")
        return await answered("session")

    async def __aexit__(self, kind, value, traceback):
        record(("exit", kind is not None))
        return kind is ToolError


async def fetched(name, depth=1):
    text = await answered(name)
    if depth and yes(text):
        text += await fetched(text, depth - 1)
    return text


async def stream(name):
    try:
        for i in range(3):
            yield await answered(name, i)
    finally:
        record(("streamed", name))
""",
    "jit": """\
@xcs.jit
def jitted(name, seen):
    seen.append(ask(name))
    record(len(seen))
    return ask(seen)


def mapped(name):
    record(name)
    return ask(name, count(name))
""",
    "contextlib": """\
@contextlib.contextmanager
def unguarded(name):
    record(f"open {name}")
    yield ask(name)
    record(f"close {name}")


@contextlib.contextmanager
def mending(name, log):
    try:
        yield log
    except ToolError as error:
        log.append(str(error))
    else:
        log.append(ask(name))
""",
}

TEXTS: list[tuple[str, str]] = [
    ("named", "<p> = Point(<str>, <int>)\n<x=str>, <y=int> = <p>\nrecord(<p>._replace(name=<str>))\nask(<p>)"),
    ("named", "<p> = [Point(ask(<q>), count(<q>)) for <q> in <strs>]\n<x=strs> = [<q>.name for <q> in sorted(<p>)]"),
    ("named", "<x=str> = Color(count(<args>) % 3).name\nrecord(Flag.A | Flag(count(<any>) % 4))"),
    ("named", "<c> = {Color.RED: <str>}\n<c>[Color(count(<any>) % 3)] = ask(<args>)\n<x=strs> = list(<c>.values())"),
    ("grouped", "<c> = ChainMap({<str>: <str>}, <dict>)\n<c>['k'] = ask(<c>['k'] if 'k' in <c> else <str>)\n<x=str> = <c>.get('text', <str>)"),
    ("grouped", "<c> = OrderedDict(k=<str>, m=<str>)\n<c>.move_to_end('k')\n<c>[ask(<args>)] = <str>\nrecord(list(<c>.items()))\n<x=str> = <c>.popitem(last=False)[1]"),
    ("grouped", "<c> = {}\nfor <q> in <strs>:\n    <c>.setdefault(ask(<q>), []).append(<q>)\n<x=dict> = {k: str(v) for k, v in <c>.items()}"),
    ("counter", "<c> = Counter(ask(<q>) for <q> in <strs>)\n<c>.subtract(<strs>)\nrecord(<c>.most_common(2))\n<x=int> = <c>.total()"),
    ("deque", "<c> = deque(maxlen=2)\nfor <q> in <strs>:\n    <c>.append(ask(<q>, <c>))\n<c>.rotate(-1)\n<x=strs> = list(<c>)"),
    ("operators", "<m> = Money(<int>)\n<m> += Money(<int>)\n<o> = <m> + <int>\n<o> = <int> + <o>\nrecord(<o>.amount)\nask(<m>)"),
    ("operators", "<m> = [Money(count(<q>)) for <q> in <strs>]\n<m>.sort()\nrecord(<m>)\n<x=int> = max(<m>, default=Money(2)).amount"),
    ("operators", "<m> = Money(count(<args>), <strs>)\nif <m>:\n    record(<str> in <m>)\n<x=strs> = list(<m>)[:3]\n<y=int> = len(<m>)"),
    ("operators", "<m> = Money(count(<args>), <strs>)\n<x=str> = f'{<m>}|{<m>:>4}|{<m>!r}'\n<y=str> = <m>(<any>)\nprint(<m>)"),
    ("operators", "<m> = Money(<int>, [<str>])\n<o> = <m>\n<o> |= Money(<int>)\n<m>[0] = ask(<m>)\nrecord(<o> == <m>)\n<x=str> = <m>[-1]"),
    ("operators", "<m> = {Money(count(<q>)): <q> for <q> in <strs>}\n<x=strs> = [<m>.get(Money(<int>), <str>)]\nrecord(sum(<m>, Money(0)).amount)"),
    ("operators", "try:\n    <m> = Money(1) + <str>\nexcept TypeError as <e>:\n    record(str(<e>))\n<x=int> = len('abc'[Money(<int>):])\nrecord(-Money(2) * <int> <= Money(<int>))"),
    ("descriptors", "<a> = Account(<str>, <strs>)\n<x=strs> = <a>.tags\n<a>.tags = [*<strs>, <a>.name]\nrecord(<a>.name)\ndel <a>.tags\n<y=str> = <a>.summary + <a>.summary"),
    ("descriptors", "<a> = Savings.plain(<str>)\n<a>.rate = count(<args>)\n<x=str> = <a>.colour\n<y=strs> = <a>.tags\nrecord(Account.made)"),
    ("descriptors", "<a> = Account(ask(<args>))\nsetattr(<a>, 'name', <str>)\n<x=str> = getattr(<a>, 'name', 'none')\nrecord(hasattr(<a>, '_none'))\nrecord(Account.clean(<str>))\nask(vars(<a>))"),
    ("descriptors", "<a> = Missing(k=<str>)\n<x=str> = <a>[<str>]\nrecord(len(<a>))\n<y=str> = <a>['k'] + <a>['z']"),
    ("file", "with open(path('a'), 'w') as <f>:\n    <f>.write(ask(<args>) + chr(10))\n    print(<any>, file=<f>)\nwith open(path('a')) as <f>:\n    <x=strs> = [line.strip() for line in <f>]"),
    ("file", "with open(path('a'), 'a') as <f>:\n    for <q> in <strs>:\n        <f>.write(ask(<q>) + chr(10))\n<x=bool> = os.path.exists(path('a'))\nwith open(path('a')) as <f>:\n    for <q> in <f>:\n        record(ask(<q>))"),
    ("file", "with open(path('b'), 'w') as <f>:\n    json.dump({'k': ask(<args>), 'm': <strs>}, <f>)\nwith open(path('b')) as <f>:\n    <x=str> = json.load(<f>)['k']"),
    ("file", "with open(path('c'), 'w', newline='') as <f>:\n    <w> = csv.writer(<f>)\n    for <q> in <strs>:\n        <w>.writerow([<q>, ask(<q>)])\nwith open(path('c'), newline='') as <f>:\n    <x=strs> = [row[1] for row in csv.reader(<f>)]"),
    ("file", "try:\n    with open(path(<str> or 'd')) as <f>:\n        record(<f>.read())\nexcept OSError as <e>:\n    record(type(<e>).__name__)\nask(<args>)"),
    ("itertools", "for <k>, <g> in itertools.groupby(<strs>, key=ask):\n    record((<k>, list(<g>)))"),
    ("itertools", "<x=strs> = list(itertools.chain(<strs>, map(ask, <strs>), [<str>]))[:5]\n<y=ints> = list(itertools.accumulate(<ints>, lambda a, b: a + count(b)))"),
    ("itertools", "for <q>, <r> in itertools.product(<strs>, <ints>):\n    if yes(<q>, <r>):\n        break\n    record((<q>, <r>))"),
    ("itertools", "<x=strs> = list(itertools.takewhile(yes, <strs>))\n<y=strs> = [*itertools.dropwhile(lambda q: count(q) < 2, <strs>)]"),
    ("itertools", "<a>, <b> = itertools.tee(map(ask, <strs>))\nnext(<b>, None)\n<x=strs> = [q + r for q, r in zip(<a>, <b>)]"),
    ("itertools", "<x=strs> = [ask(*p) for p in itertools.zip_longest(<strs>, <ints>, fillvalue='f')]\n<y=ints> = list(itertools.starmap(operator.add, zip(<ints>, map(count, <strs>))))"),
    ("itertools", "<x=strs> = [ask(q, r) for q, r in itertools.pairwise(<strs>)]\n<y=strs> = list(itertools.islice(itertools.cycle(['a', <str>]), count(<any>)))"),
    ("formats", "<x=str> = f'{<int>:>4}|{<str>:<6}|{<str>!r:.5}|{ask(<args>)=}'"),
    ("formats", "<x=str> = '%5s|%-4d|%r' % (<str>, <int>, ask(<args>))\n<y=str> = '{:>5}|{name!r:.6}'.format(<str>, name=ask(<any>))"),
    ("formats", "<x=str> = f'{<str>:{count(<args>) + 3}}'\n<y=str> = <str>.center(count(<any>) + 2, '*').partition('*')[2]"),
    ("formats", "<x=str> = re.sub('[a-z]', lambda m: ask(m.group()), <str>)\n<y=strs> = re.findall('[a-z0-9]+', ask(<args>) + <str>)"),
    ("bits", "<x=int> = (<int> & 3 | count(<args>) << 1) ^ 5\n<y=int> = (~<x> % 7).bit_length() + divmod(<int>, 3)[1]"),
    ("bits", "<x=str> = ask(<args>).encode()[:3].hex()\n<y=int> = int.from_bytes((<str> + 'a').encode()[:2], 'big') % 5"),
    ("bits", "<x=str> = str(round(count(<args>) / 3, 2))\n<y=int> = int(float(count(<any>)) + 0.5) // 2\nrecord(pow(2, count(<any>), 5))"),
    ("bits", "<x=int> = 1\n<x> <<= count(<args>)\n<x> |= <int>\n<x> %= 9\n<x> ^= count(<x>)"),
    ("chained", "try:\n    try:\n        risky(<args>)\n        raise KeyError(<str>)\n    except Exception as <e>:\n        raise ValueError(ask(<any>)) from <e>\nexcept ValueError as <f>:\n    record(repr(<f>.__cause__))\n    record(<f>.__suppress_context__)"),
    ("chained", "try:\n    try:\n        raise KeyError(ask(<args>))\n    finally:\n        risky(<any>)\nexcept Exception as <e>:\n    record(repr(<e>.__context__))\n    <e>.add_note(ask('note'))\n    record(<e>.__notes__)"),
    ("chained", "try:\n    raise ExceptionGroup('g', [ValueError(ask(<args>)), ToolError(<str>)])\nexcept* ValueError as <e>:\n    record(str(<e>.exceptions))\nexcept* ToolError as <e>:\n    ask(len(<e>.exceptions))"),
    ("chained", "<x=strs> = []\ntry:\n    for <q> in <strs>:\n        try:\n            <x>.append(risky(<q>))\n        except KeyError:\n            raise\n        except Exception as <e>:\n            <x>.append(str(<e>))\n        else:\n            record(<q>)\nexcept LookupError as <e>:\n    logger.info('lost %s', <e>)"),
    ("finally", "def <f>(q):\n    try:\n        risky(q)\n        return ask(q)\n    except ValueError:\n        return 'value'\n    finally:\n        record(q)\n        if yes(q):\n            return 'final'\n<x=str> = <f>(<str>)\n<y=strs> = list(map(<f>, <strs>))"),
    ("finally", "def <f>(items):\n    for q in items:\n        try:\n            if yes(q):\n                continue\n            yield ask(q)\n        finally:\n            record(q)\n            if count(q) == 4:\n                break\n<x=strs> = list(<f>(<strs>))"),
    ("throw", "def <g>():\n    got = 'none'\n    while True:\n        try:\n            got = yield ask(got)\n        except ValueError as e:\n            got = f'caught {e}'\n        finally:\n            record(got)\n<h> = <g>()\n<x=str> = next(<h>)\n<x> = <h>.throw(ValueError(<str>))\n<x> = <h>.send(ask(<args>))\n<h>.close()"),
    ("throw", "def <g>(q):\n    got = yield from map(ask, q)\n    try:\n        yield 'last'\n    except ToolError:\n        return 'told'\n<h> = <g>(<strs>)\n<x=strs> = []\ntry:\n    while True:\n        <x>.append(next(<h>))\n        if len(<x>) > count(<x>):\n            <h>.throw(ToolError('stop'))\nexcept (StopIteration, ToolError) as <e>:\n    record(repr(<e>))"),
    ("match", "match info(<args>):\n    case {'text': <t>, 'n': 0 | 1}:\n        record(<t>)\n    case {'tags': [<u>, *<w>], **<r>}:\n        record((<u>, len(<r>)))\n    case <s>:\n        ask(<s>)"),
    ("match", "match [ask(<args>), <any>, *<strs>]:\n    case [('r1' | 'r2') as <t>, *_]:\n        record(<t>)\n    case [str(<t>), int(<u>) | bool(<u>), *<w>] if yes(<t>):\n        record((<u>, <w>))\n    case [<t>, _, *_]:\n        print(<t>)"),
    ("walrus", "<n=int> = 0\nwhile (<x=str> := ask(<n>, <str>)) != 'r1' and (<n> := <n> + 1) < 3:\n    record(<x>)\n<y=strs> = [<z> for q in <strs> if (<z> := ask(q)) > 'r2']"),
    ("starred", "<x=str>, *<y=strs> = [ask(<args>), *<strs>, <str>]\n*<z=strs>, <w> = *<y>, <x>\n(<w>, (<v>, *<u>)) = (<w>, [count(<w>), *<ints>])"),
    ("slice", "<x=strs> = [*<strs>, ask(<args>), <str>]\n<x>[1:2] = <strs>\n<x>[::-2] = map(str, range(len(<x>[::-2])))\ndel <x>[:1]\n<y=str> = str(<x>[-2:])"),
    ("set", "<c> = {ask(q) for q in <strs>}\n<c> ^= {<str>, ask(<args>)}\nrecord(sorted(<c>))\n<x=bool> = <c> <= {<str>} or not <c>.isdisjoint(<strs>)"),
    ("dictview", "<x=dict> = dict.fromkeys(<strs>, ask(<args>))\n<x> |= {<str>: ask(<str>)}\n<y=str> = <x>.pop(<str>, 'gone')\nrecord(<x>.keys() & set(<strs>) == set())\n<z=strs> = sorted(<x>, key=<x>.get)"),
    ("sort", "<x=strs> = sorted(<strs>, key=lambda q: count(q) % 2, reverse=<bool>)\n<x>.sort(key=functools.cmp_to_key(lambda a, b: count(a) - count(b)))"),
    ("sort", "<x=ints> = [count(q) for q in <strs>]\n<y=ints> = sorted(<x>)\n<x>.insert(count(<args>), 9)\n<z=int> = <x>.index(9) + min(<y>, default=0)"),
    ("contextlib", "with unguarded(<str>) as <x=str>, contextlib.suppress(ToolError):\n    risky(<x>)\n    record(<x>)"),
    ("contextlib", "<x=strs> = []\nwith mending(<str>, <x>) as <l>:\n    <l>.append(risky(<args>))\nask(<x>)"),
    ("contextlib", "with contextlib.ExitStack() as <s>:\n    for <q> in <strs>:\n        <s>.enter_context(unguarded(<q>))\n    <s>.push(lambda *e: record(e[0] is None))\n    ask(<args>)"),
    ("contextlib", "<o> = io.StringIO()\nwith contextlib.redirect_stdout(<o>):\n    print(ask(<args>))\n    <block>\n<x=str> = <o>.getvalue()"),
    ("contextlib", "with contextlib.closing(io.StringIO(<str>)) as <o>, contextlib.nullcontext(ask(<args>)) as <n>:\n    <x=str> = <o>.read() + <n>\nrecord(<o>.closed)"),
    ("alias", "<c> = copy.deepcopy([<strs>, <dict>])\n<c>[0].append(ask(<c>))\n<d> = copy.copy(<c>)\n<d>[0] = <strs>\nrecord(<c>[0] is <d>[0])\nask(<c>, <d>)"),
    ("environment", "os.environ['XCS_FUZZ'] = ask(<args>)\n<x=str> = os.environ.get('XCS_FUZZ', <str>)\n<y=str> = os.environ.get('XCS_NONE', <str>)"),
    ("log", "try:\n    risky(<args>)\nexcept Exception as <e>:\n    logger.warning('%s failed: %r', <str>, <e>)\nelse:\n    logger.info('fine %s', ask(<any>))"),
    ("threads", "<l> = <strs>\n<t> = threading.Thread(target=<l>.append, args=(ask(<args>),))\n<t>.start()\n<t>.join()\n<x=strs> = list(<l>)"),
    ("threads", "with ThreadPoolExecutor(2) as <p>:\n    <x=strs> = list(<p>.map(ask, <strs>))\nrecord(<x>)"),
    ("jit", "<l=strs> = []\n<x=str> = jitted(<str>, <l>)\n<y=strs> = [jitted(q, <l>) for q in <strs>]"),
    ("jit", "<x=strs> = xcs.vmap(mapped)(<strs>)\nrecord(len(<x>))"),
    ("jit", "<x=strs> = list(xcs.vmap(lambda q: ask(q) if yes(q) else 'no')([*<strs>, <str>]))"),
    ("late", "<l=strs> = []\ndef <f>(q, seen=<l>, *, n=count(<args>)):\n    seen.append(ask(q, n))\n    return seen\n<f>(<str>)\n<x=strs> = <f>(<str>, n=<int>)\nrecord(<f>.__kwdefaults__)"),
    ("late", "<c=int> = 0\ndef <f>():\n    nonlocal_ = [<c>]\n    def inner(q):\n        nonlocal_[0] += count(q)\n        return nonlocal_[0]\n    return inner\n<g> = <f>()\n<x=ints> = [<g>(q) for q in <strs>]"),
    ("late", "<x=strs> = []\n<h> = [lambda: <x>.append(ask(q)) for q in <strs>]\nfor <f> in <h>:\n    <f>()\n<h> = {q: functools.partial(ask, q) for q in <strs>}\n<y=dict> = {q: f() for q, f in <h>.items()}"),
]  # fmt: skip

# Of a coroutine function.
ASYNC_TEXTS: list[str] = [
    "<x=str> = await answered(<args>)",
    "<x=strs> = [await answered(q) for q in <strs>]",
    "<x=strs> = []\nfor <q> in <strs>:\n    <x>.append(await fetched(<q>))\n    record(len(<x>))",
    "<x=strs> = []\nasync with contextlib.aclosing(stream(<str>)) as <g>:\n    async for <q> in <g>:\n        <x>.append(ask(<q>))\n        if yes(<q>):\n            break",
    "async with Session() as <x=str>:\n    record(await answered(<x>))\n    risky(<args>)",
    "<x=strs> = list(await asyncio.gather(*[fetched(q) for q in <strs>]))",
    "try:\n    <x~str> = await answered(risky(<args>))\nexcept Exception as <e>:\n    record(str(<e>))",
    "<t> = asyncio.create_task(answered(<args>))\nrecord(<str>)\n<x=str> = await <t>",
    "<x=strs> = [q async for q in stream(<str>)]",
    "if await answered(<args>) > 'r2':\n    <block>",
    "await asleep(0)\nrecord(<any>)",
]
