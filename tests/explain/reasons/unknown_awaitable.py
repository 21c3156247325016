import asyncio

import xcs
from explain.stand_in import QUESTIONS


@xcs.op
async def ask_async(prompt):
    await asyncio.sleep(0)
    return prompt + "!"


async def waits():
    futures = []
    for question in QUESTIONS:
        future = asyncio.get_running_loop().create_future()
        future.set_result(question)
        futures.append(future)
    return [await ask_async(await future) for future in futures]


async def repaired():
    return [await ask_async(question) for question in QUESTIONS]
