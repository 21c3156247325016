import asyncio

import xcs
from explain.stand_in import QUESTIONS


@xcs.op
async def ask_async(prompt):
    await asyncio.sleep(0)
    return prompt + "!"


async def waits():
    answers = []
    for question in QUESTIONS:
        future = asyncio.get_running_loop().create_future()
        future.set_result(question)
        answers.append(await ask_async(await future))
    return answers


async def repaired():
    return [await ask_async(question) for question in QUESTIONS]
