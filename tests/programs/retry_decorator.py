# ruff: noqa
# mypy: ignore-errors
"""Decorators of one's own: exponential backoff with jitter, a call counter, memoised helpers."""

import functools
import random
import time

from programs.world import ModelError, llm

CALLS = {}


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        CALLS[function.__name__] = CALLS.get(function.__name__, 0) + 1
        return function(*args, **kwargs)

    return wrapper


def retry_with_exponential_backoff(
    initial_delay=0.0001, exponential_base=2, jitter=True, max_retries=3, errors=(ModelError,)
):
    def decorate(func):
        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            num_retries = 0
            delay = initial_delay
            while True:
                try:
                    return func(*args, **kwargs)
                except errors as e:
                    num_retries += 1
                    if num_retries > max_retries:
                        raise Exception(f"Maximum number of retries ({max_retries}) exceeded.")
                    delay *= exponential_base * (1 + jitter * random.random())
                    time.sleep(delay)
                except Exception as e:
                    raise e

        return wrapper

    return decorate


@functools.lru_cache(maxsize=None)
def template(kind):
    return f"[{kind}] " + "{}"


@counted
@retry_with_exponential_backoff(max_retries=2)
def ask(kind, text):
    return llm(template(kind).format(text), fail_rate=0.35)


def main(workdir):
    random.seed(0)
    out, dropped = [], 0
    for text in ["one", "two", "three", "four", "five"]:
        try:
            draft = ask("draft", text)
            final = ask("polish", draft)
        except Exception as e:
            dropped += 1
            print("dropped", text, "-", e)
            continue
        out.append(final)
        print(text, "done", sum(CALLS.values()))
    return out, dropped, dict(CALLS)
