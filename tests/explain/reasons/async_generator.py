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


async def waits():
    return [answer async for answer in answers()]


async def repaired():
    return [await ask_async(question) for question in QUESTIONS]
