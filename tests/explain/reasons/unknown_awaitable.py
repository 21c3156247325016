import asyncio

import xcs
from explain.stand_in import QUESTIONS


@xcs.op
async def ask_async(prompt):
    await asyncio.sleep(0)
    return prompt + "!"


@xcs.jit
async def behind_a_future():
    answers = []
    for question in QUESTIONS:
        future = asyncio.get_running_loop().create_future()
        future.set_result(question)
        answers.append(await ask_async(await future))
    return answers


@xcs.jit
async def directly():
    return [await ask_async(question) for question in QUESTIONS]


def waits():
    return asyncio.run(behind_a_future())


def repaired():
    return asyncio.run(directly())
