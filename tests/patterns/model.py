# ruff: noqa
# mypy: ignore-errors
"""A deterministic stand-in for a hosted language model.

llm(prompt, **kw) -> str
    The answer is a pure function of (prompt, kw, number of earlier calls with
    exactly this prompt and kw).  The repeat number only decides whether a
    'flaky' prompt fails, so programs that retry behave the same in any
    schedule that keeps the retries of one item in order.

Environment
    LLM_LATENCY_MS   time slept in every call                    (default 0)
    LLM_JITTER_MS    extra, chosen per prompt by hash            (default 0)
    LLM_MAX_CONCURRENCY  refuse more calls at a time than this   (default none)

Call log: model.LOG is a list of Call records in order of completion of the
bookkeeping at call start; model.reset() clears all state; model.stats() sums up.

How the text of the answer is chosen (first rule that matches the prompt):
    '[number LO-HI]'        a whole number in the range
    '[one of: A | B | C]'   one of the listed options
    '[list of N]'           N lines, '1. ...' to 'N. ...'
    '[about N words]'       N pseudo-words
    otherwise               12 pseudo-words
kw fail_rate=p              raise ModelError on the first call of a prompt
                            chosen by hash with probability p (0..1), and on
                            the second with probability p*p
kw garbage_rate=p           reply 'N/A ...' instead, likewise by repeat number
"""

import hashlib
import os
import re
import threading
import time
from dataclasses import dataclass, field

WORDS = (
    "amber basin cedar delta ember flint grove harbor indigo juniper kiln "
    "ledger meadow nickel orchard pebble quarry river saddle timber umber "
    "violet willow xenon yonder zephyr anchor beacon copper dune"
).split()


class ModelError(Exception):
    """A transient failure (rate limit, overload)."""


@dataclass
class Call:
    index: int
    prompt: str
    kw: dict
    start: float
    end: float = 0.0
    thread: str = ""
    answer: str = ""
    error: str = ""
    repeat: int = 0


LOG = []
_seen = {}
_lock = threading.Lock()
_active = 0
_peak = 0
PERTURB = None  # set to change single answers: {(prompt, kw key, repeat): salt}


def reset():
    global _active, _peak
    with _lock:
        LOG.clear()
        _seen.clear()
        _active = 0
        _peak = 0


def stats():
    with _lock:
        if not LOG:
            return dict(calls=0, wall=0.0, busy=0.0, peak=0)
        t0 = min(c.start for c in LOG)
        t1 = max(c.end for c in LOG)
        return dict(calls=len(LOG), wall=t1 - t0, busy=sum(c.end - c.start for c in LOG), peak=_peak)


def _digest(*parts):
    return hashlib.sha256("\x1f".join(parts).encode("utf-8")).digest()


def _unit(d, off):
    return int.from_bytes(d[off : off + 4], "big") / 2**32


def _words(d, n):
    out, block, i = [], d, 0
    while len(out) < n:
        if i >= len(block):
            block, i = hashlib.sha256(block).digest(), 0
        out.append(WORDS[block[i] % len(WORDS)])
        i += 1
    return " ".join(out)


def _answer(prompt, d):
    m = None
    for m in re.finditer(
        r"\[number (-?\d+)-(\d+)\]|\[one of: ([^\]]+)\]|\[list of (\d+)\]|\[about (\d+) words\]", prompt
    ):
        pass  # the last directive counts
    if m is None:
        return _words(d, 12)
    if m.group(1) is not None:
        lo, hi = int(m.group(1)), int(m.group(2))
        return str(lo + int.from_bytes(d[:4], "big") % (hi - lo + 1))
    if m.group(3) is not None:
        options = [o.strip() for o in m.group(3).split("|")]
        return options[int.from_bytes(d[:4], "big") % len(options)]
    if m.group(4) is not None:
        n = int(m.group(4))
        return "\n".join(f"{i + 1}. {_words(_digest(d.hex(), str(i)), 4)}" for i in range(n))
    return _words(d, int(m.group(5)))


def llm(prompt: str, **kw) -> str:
    global _active, _peak
    if not isinstance(prompt, str):
        raise TypeError("prompt must be a string")
    key = (prompt, tuple(sorted((k, repr(v)) for k, v in kw.items())))
    with _lock:
        repeat = _seen.get(key, 0)
        _seen[key] = repeat + 1
        call = Call(
            len(LOG),
            prompt,
            dict(kw),
            time.perf_counter(),
            thread=threading.current_thread().name,
            repeat=repeat,
        )
        LOG.append(call)
        _active += 1
        _peak = max(_peak, _active)
        cap = os.environ.get("LLM_MAX_CONCURRENCY")
        over = cap is not None and _active > int(cap)
    try:
        salt = ""
        if PERTURB is not None:
            salt = PERTURB.get((key, repeat), "")
        d = _digest("answer", prompt, repr(key[1]), salt)
        ms = float(os.environ.get("LLM_LATENCY_MS", "0"))
        ms += float(os.environ.get("LLM_JITTER_MS", "0")) * _unit(d, 8)
        if ms > 0:
            time.sleep(ms / 1000.0)
        if over:
            raise ModelError("429: too many requests at once")
        p = float(kw.get("fail_rate", 0.0))
        if p and _unit(_digest("fail", prompt, str(repeat), salt), 0) < p ** (repeat + 1):
            raise ModelError("503: try again")
        g = float(kw.get("garbage_rate", 0.0))
        if g and _unit(_digest("garbage", prompt, str(repeat), salt), 0) < g ** (repeat + 1):
            call.answer = "N/A " + _words(d, 3)
        else:
            call.answer = _answer(prompt, d)
        return call.answer
    except Exception as exc:
        call.error = f"{type(exc).__name__}: {exc}"
        raise
    finally:
        with _lock:
            call.end = time.perf_counter()
            _active -= 1
