# ruff: noqa
# mypy: ignore-errors
"""Calls wrapped by backoff, as in the code of many papers: n samples per question, majority, logs."""

import collections

import backoff

from programs.world import ModelError, OpenAI, RateLimitError

client = OpenAI()
usage = {"prompt": 0, "completion": 0}


@backoff.on_exception(backoff.expo, (ModelError, RateLimitError), max_tries=4, factor=0.0001, jitter=None)
def completions_with_backoff(**kwargs):
    return client.chat.completions.create(**kwargs)


def chatgpt(messages, model="small", n=1, temperature=0.7):
    outputs = []
    while n > 0:
        cnt = min(n, 3)
        n -= cnt
        res = completions_with_backoff(
            model=model, messages=messages, temperature=temperature, n=cnt, fail_rate=0.3
        )
        outputs.extend([choice.message.content for choice in res.choices])
        usage["completion"] += res.usage.completion_tokens
        usage["prompt"] += res.usage.prompt_tokens
    return outputs


def gpt(prompt, **kwargs):
    return chatgpt([{"role": "user", "content": prompt}], **kwargs)


def main(workdir):
    logs = []
    for i, name in enumerate(["tides", "comets", "glaciers", "deltas"]):
        samples = gpt(f"Is there life near {name}? [one of: yes | no | maybe]", n=5)
        firsts = [s.split()[0] for s in samples]
        majority, votes = collections.Counter(firsts).most_common(1)[0]
        reason = gpt(f"Why {majority} for {name}?")[0]
        logs.append(
            {"i": i, "majority": majority, "votes": votes, "reason": reason, "usage_so_far": dict(usage)}
        )
        print(i, name, majority, votes, usage["completion"])
    return logs
