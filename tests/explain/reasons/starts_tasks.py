import asyncio

import xcs
from explain.stand_in import QUESTIONS


@xcs.op
async def ask_async(prompt):
    await asyncio.sleep(0)
    return prompt + "!"


async def waits():
    tasks = [asyncio.create_task(ask_async(question)) for question in QUESTIONS]
    return [await task for task in tasks]


async def repaired():
    return [await ask_async(question) for question in QUESTIONS]
