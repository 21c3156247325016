import asyncio

from explain.stand_in import ask


async def one(question):
    return ask(question)


def waits():
    return asyncio.run(one("one")), asyncio.run(one("two"))


def repaired():
    return ask("one"), ask("two")
