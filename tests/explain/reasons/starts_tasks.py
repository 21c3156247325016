import asyncio

import xcs
from explain.stand_in import QUESTIONS


@xcs.op
async def ask_async(prompt):
    await asyncio.sleep(0)
    return prompt + "!"


@xcs.jit
async def by_hand():
    tasks = [asyncio.create_task(ask_async(question)) for question in QUESTIONS]
    return [await task for task in tasks]


@xcs.jit
async def one_after_the_other():
    return [await ask_async(question) for question in QUESTIONS]


def waits():
    return asyncio.run(by_hand())


def repaired():
    return asyncio.run(one_after_the_other())
