# ruff: noqa
# mypy: ignore-errors
"""Tree of thoughts as its authors write it: value cache, duplicates scored zero, greedy selection, usage counter."""

import itertools

from programs.world import llm

completion_tokens = prompt_tokens = 0


def gpt(prompt, n=1, stop=None):
    global completion_tokens, prompt_tokens
    outputs = []
    while n > 0:
        cnt = min(n, 2)
        n -= cnt
        text = llm(prompt + f" [list of {cnt}]")
        outputs.extend(text.split("\n"))
        completion_tokens += len(text.split())
        prompt_tokens += len(prompt.split())
    return outputs


class Task:
    def __init__(self):
        self.value_cache = {}
        self.steps = 3

    def value_prompt(self, x, y):
        return f"Evaluate {y!r} for {x} [number 0-20]"

    def value_unwrap(self, x, y, outputs):
        return sum(int(o) for o in outputs) / len(outputs)


def get_value(task, x, y, n_evaluate_sample, cache_value=True):
    prompt = task.value_prompt(x, y)
    if cache_value and prompt in task.value_cache:
        return task.value_cache[prompt]
    outputs = [llm(prompt, sample=i) for i in range(n_evaluate_sample)]
    value = task.value_unwrap(x, y, outputs)
    if cache_value:
        task.value_cache[prompt] = value
    return value


def get_values(task, x, ys, n_evaluate_sample, cache_value=True):
    values = []
    local_value_cache = {}
    for y in ys:
        if y in local_value_cache:
            value = 0
        else:
            value = get_value(task, x, y, n_evaluate_sample, cache_value=cache_value)
            local_value_cache[y] = value
        values.append(value)
    return values


def get_proposals(task, x, y):
    proposals = gpt(f"Possible next steps of {x} after {y!r}", n=3)
    return [y + p.split(". ", 1)[-1] + "\n" for p in proposals if p]


def solve(task, x, to_print=True):
    ys = [""]
    infos = []
    for step in range(task.steps):
        new_ys = [get_proposals(task, x, y) for y in ys]
        new_ys = list(itertools.chain(*new_ys))
        ids = list(range(len(new_ys)))
        values = get_values(task, x, new_ys, 2)
        select_ids = sorted(ids, key=lambda i: values[i], reverse=True)[:2]
        select_new_ys = [new_ys[select_id] for select_id in select_ids]
        if to_print:
            sorted_new_ys, sorted_values = zip(*sorted(zip(new_ys, values), key=lambda x: x[1], reverse=True))
            print(
                f"-- new_ys --: {len(sorted_new_ys)}\n-- sol values --: {sorted_values}\n-- choices --: {len(select_new_ys)}\n"
            )
        infos.append({"step": step, "x": x, "values": values})
        ys = select_new_ys
    return ys, {"steps": infos}


def main(workdir):
    logs = []
    for x in ("4 4 6 8", "2 9 10 12"):
        task = Task()
        ys, info = solve(task, x)
        logs.append(
            {
                "x": x,
                "ys": ys,
                "usage_so_far": {"completion_tokens": completion_tokens, "prompt_tokens": prompt_tokens},
            }
        )
    print(logs[-1]["usage_so_far"])
    return logs
