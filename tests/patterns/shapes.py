# ruff: noqa
# mypy: ignore-errors
"""The shapes that real sequential LLM code takes, rewritten small.

llm() is the deterministic stand-in of model.py.
"""

import json
import random
import time

from patterns.model import llm

ITEMS = [{"id": i, "text": f"item {i}", "label": None} for i in range(6)]
FILE = []  # stands for an open output file


def tqdm(it, **kw):
    for n, x in enumerate(it):
        yield x
        FILE.append(f"bar {n + 1}")


# 1. comprehension over a helper, progress bar round the iterable ------------
def shape_01_comprehension():
    def answer(q):
        return llm(f"Answer: {q}").strip()

    outs = [answer(x["text"]) for x in tqdm(ITEMS)]
    return llm("Summarise: " + "\n".join(outs))


# 2. for + append, then a reduce ---------------------------------------------
def shape_02_for_append():
    summaries = []
    for chunk in (x["text"] for x in ITEMS):
        prompt = "Summarise: " + chunk
        summaries.append(llm(prompt))
    return llm("Combine:\n" + "\n".join(summaries))


# 3. for + append + print + counter ------------------------------------------
def shape_03_print_progress():
    result, count = [], 0
    for x in ITEMS:
        count = count + 1
        topic = llm("Name the topic: " + x["text"])
        print(count, "of", len(ITEMS), "-", topic)
        result.append(topic)
    return result


# 4. resume, tqdm, one line appended to a file per item, continue ------------
def shape_04_file_append():
    done = {2}
    correct = 0
    for i, x in enumerate(tqdm(ITEMS)):
        if x["id"] in done:
            continue
        ans = llm("Yes or no: " + x["text"] + " [one of: yes | no]")
        if ans == "yes":
            correct += 1
        FILE.append(json.dumps({"id": x["id"], "ans": ans}))
        print(f"sample {i} done, acc {correct / (i + 1):.2f}")
    return correct


# 5. try/except per item: failures are recorded and the loop goes on ---------
def shape_05_try_except():
    results = []
    for x in ITEMS:
        try:
            score = int(llm("Score: " + x["text"] + " [number 0-9]"))
            assert score > 2, f"too low: {score}"
            results.append({"id": x["id"], "score": score})
        except Exception as e:
            print(f"error on {x['id']}: {e}")
            results.append({"id": x["id"], "score": None, "error": str(e)})
    return results


# 6. inline retry loop with sleep, item dict updated in place ----------------
def shape_06_retry_in_place():
    data = [dict(x) for x in ITEMS]
    ignored = 0
    for inst in data:
        tries = 0
        while True:
            try:
                inst["scores"] = [int(llm(inst["text"] + " [number 0-9]", n=k, t=tries)) for k in range(2)]
                if 0 in inst["scores"] and tries < 2:
                    raise ValueError("zero")
                time.sleep(0)
                break
            except ValueError as e:
                tries += 1
                if tries > 2:
                    ignored += 1
                    break
    return data, ignored


# 7. wrapper with cache and global usage counters ----------------------------
USAGE = {"tokens": 0}
CACHE = {}


def gpt(prompt):
    if prompt in CACHE:
        return CACHE[prompt]
    out = llm(prompt)
    USAGE["tokens"] += len(prompt) + len(out)
    CACHE[prompt] = out
    return out


def shape_07_stateful_wrapper():
    CACHE.clear()
    USAGE["tokens"] = 0
    logs = []
    for x in ITEMS + ITEMS[:2]:
        ys = gpt("Solve " + x["text"])
        logs.append({"id": x["id"], "ys": ys, "usage_so_far": USAGE["tokens"]})
    return logs


# 8. results stored by key, index or table cell ------------------------------
def shape_08_indexed_store():
    table = {x["id"]: {"text": x["text"]} for x in ITEMS}
    scores = [[0] * 2 for _ in ITEMS]
    for i, x in enumerate(ITEMS):
        table[x["id"]]["label"] = llm("Label: " + x["text"] + " [one of: A | B]")
        for j in range(2):
            scores[i][j] = int(llm(f"Check {j} of {x['text']} [number 0-9]"))
    return table, scores


# 9. independent statements, each followed by a store, inside try ------------
class Store:
    def __init__(self):
        self.rows = []

    def add(self, kind, value):
        self.rows.append((kind, value))


def shape_09_independent_statements():
    store = Store()
    text = "the transcript"
    try:
        financial = llm("Financial view of " + text)
        store.add("financial", financial)
        strategic = llm("Strategic view of " + text)
        store.add("strategic", strategic)
        risk = llm("Risks in " + text)
        store.add("risk", risk)
        report = {
            "summary": llm(f"Summary of {financial} {risk}"),
            "outlook": llm(f"Outlook from {strategic}"),
        }
        return store.rows, report
    except Exception as e:
        print("failed", e)
        return None


# 10. nested grid with counters in nested dicts ------------------------------
def shape_10_grid():
    prompts = ["terse", "formal", "kind"]
    stats = {p: {"correct": 0, "total": 0} for p in prompts}
    rows = []
    for x in ITEMS:
        row = [x["id"]]
        for p in prompts:
            out = llm(f"{p}: {x['text']} [one of: A | B]")
            row.append(out)
            if out == "A":
                stats[p]["correct"] += 1
            stats[p]["total"] += 1
        rows.append(row)
    return stats, rows


# 11. generate, judge both ways, update a rating that is carried -------------
def shape_11_pipeline_with_cheap_carry():
    rating = {"x": 1200.0, "y": 1200.0}
    for case in ITEMS:
        g1 = llm("x answers " + case["text"])
        g2 = llm("y answers " + case["text"])
        s1 = llm(f"better? A: {g1} B: {g2} [one of: A | B]")
        s2 = llm(f"better? A: {g2} B: {g1} [one of: A | B]")
        s = ((s1 == "A") + (s2 == "B")) / 2
        delta = 32 * (s - 1 / (1 + 10 ** ((rating["y"] - rating["x"]) / 400)))
        rating["x"] += delta
        rating["y"] -= delta
        print("draw" if s == 0.5 else "decided")
    return rating


# 12. rounds x agents: lists appended in place, read across ------------------
def shape_12_debate():
    contexts = [["question"] for _ in range(3)]
    for rnd in range(3):
        for i, ctx in enumerate(contexts):
            if rnd:
                others = contexts[:i] + contexts[i + 1 :]
                ctx.append("others: " + " | ".join(o[2 * rnd - 1] for o in others))
            ctx.append(llm("\n".join(ctx), agent=i))
    return contexts


# 13. result returned through object state; counters on self -----------------
class Engine:
    cost = 0.0
    total = 0

    def complete(self, query, service):
        self.answer = llm(f"{service}: {query}")
        self.cost = len(self.answer) * 0.1
        self.total += 1
        return self.answer

    def get_cost(self):
        return self.cost


def shape_13_object_channel():
    eng = Engine()
    out = []
    for service in ("s1", "s2", "s3", "s4"):
        ans = eng.complete("why?", service)
        out.append({"service": service, "answer": ans, "cost": eng.get_cost()})
    return out, eng.total


# 14. early exit: best of n with a threshold, and a budget -------------------
def shape_14_early_exit():
    best, tried = (-1, None), 0
    budget = 40
    for k in range(8):
        if budget <= 0:
            break
        draft = llm("Draft a plan", seed=k)
        reward = int(llm(f"Reward of {draft} [number 0-9]"))
        tried += 1
        budget -= len(draft.split())
        if reward > best[0]:
            best = (reward, draft)
        if reward >= 9:
            break
    return best, tried


# 15. callbacks, random draws and a rate-limit pause -------------------------
class Series(list):
    def apply(self, f):
        return Series(f(x) for x in self)


def shape_15_callback_random_sleep():
    random.seed(0)
    col = Series(x["text"] for x in ITEMS)
    col = col.apply(lambda t: llm("Embed " + t))
    fns = {"up": str.upper, "low": str.lower}
    out = []
    for t in col:
        f = fns[random.choice(["up", "low"])]
        out.append(f(llm("Rewrite " + t)))
        time.sleep(0)  # 'REQ_TIME_GAP'
    return out


# 16. a loop that reads its own accumulator (resume check), full dump each time
def shape_16_reads_own_accumulator():
    results = [{"index": 1, "out": "old"}]
    for i, x in enumerate(ITEMS):
        if any(r["index"] == i for r in results):
            continue
        results.append({"index": i, "out": llm("Do " + x["text"])})
        FILE.append(json.dumps(results))
    return results


# 17. alias trap: one parameter dict reused and mutated for every request ----
def shape_17_alias_trap():
    params = {"q": None, "type": "search"}

    def runner(p):
        return llm(json.dumps(p, sort_keys=True))

    results = []
    for q in ("a", "b", "c", "d"):
        query = params
        query["q"] = q
        results.append(runner(query))
    return results


# 18. recursion with a pagination chain at each level ------------------------
def shape_18_recursion():
    def read(block, depth):
        lines, page = [], 0
        while page is not None:
            text = llm(f"GET {block} page {page}")
            lines.append("  " * depth + text)
            if depth < 2:
                for child in range(2):
                    lines.append(read(f"{block}.{page}.{child}", depth + 1))
            page = page + 1 if page < 1 and len(text) % 2 == 0 else None
        return "\n".join(lines)

    return read("root", 0)


SHAPES = [f for n, f in sorted(globals().items()) if n.startswith("shape_")]
