# ruff: noqa
# mypy: ignore-errors
"""Function calling: tools registered by a decorator with their schemas, a message list that grows, several tickets."""

import functools
import inspect
import json

from programs.world import OpenAI, search

client = OpenAI()
REGISTRY = {}


def tool(function):
    parameters = {name: {"type": "string"} for name in inspect.signature(function).parameters}
    REGISTRY[function.__name__] = {
        "function": function,
        "schema": {
            "type": "function",
            "function": {
                "name": function.__name__,
                "description": function.__doc__,
                "parameters": {"type": "object", "properties": parameters},
            },
        },
    }

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@tool
def find_article(query):
    """Finds a help article."""
    hits = search(query, k=1)
    return hits[0]["snippet"]


@tool
def order_status(query):
    """Says where an order is."""
    return f"order {len(query)} is on its way"


def run(ticket, max_turns=4):
    messages = [{"role": "system", "content": "You answer tickets."}, {"role": "user", "content": ticket}]
    schemas = [entry["schema"] for entry in REGISTRY.values()]
    for turn in range(max_turns):
        response = client.chat.completions.create(model="large", messages=messages, tools=schemas)
        message = response.choices[0].message
        if not message.tool_calls:
            print(f"{ticket}: answered in turn {turn + 1}")
            return message.content, messages
        messages.append(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [c.function.name for c in message.tool_calls],
            }
        )
        for call in message.tool_calls:
            name = call.function.name
            arguments = json.loads(call.function.arguments)
            try:
                result = REGISTRY[name]["function"](**arguments)
            except KeyError:
                result = f"no tool {name}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    print(f"{ticket}: no answer")
    return None, messages


def main(workdir):
    transcripts = {}
    for ticket in ["My lamp is broken", "Where is my kettle?", "Refund, please", "How do I fold the ladder?"]:
        answer, messages = run(ticket)
        transcripts[ticket] = {"answer": answer, "n_messages": len(messages)}
    with open(f"{workdir}/transcripts.json", "w") as f:
        json.dump(transcripts, f, indent=2)
    return transcripts
