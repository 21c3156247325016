import asyncio

import xcs
from explain.stand_in import QUESTIONS


@xcs.op
async def ask_async(prompt):
    await asyncio.sleep(0)
    return prompt + "!"


async def answers():
    for question in QUESTIONS:
        yield await ask_async(question)


@xcs.jit
async def consumes():
    return [answer async for answer in answers()]


@xcs.jit
async def makes_a_list():
    return [await ask_async(question) for question in QUESTIONS]


def waits():
    return asyncio.run(consumes())


def repaired():
    return asyncio.run(makes_a_list())
