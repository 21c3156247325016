# ruff: noqa
# mypy: ignore-errors
"""Global usage counters that the wrapper updates and prints, a log of requests, a hard stop when the budget is gone."""

from programs.world import OpenAI

client = OpenAI()
TOTAL_TOKENS = 0
REQUESTS = []
BUDGET = 100_000


class BudgetExceeded(Exception):
    pass


def chat(prompt, system="You are helpful.", model="small"):
    global TOTAL_TOKENS
    messages = [{"role": "system", "content": system}]
    messages.append({"role": "user", "content": prompt})
    response = client.chat.completions.create(model=model, messages=messages)
    TOTAL_TOKENS += response.usage.total_tokens
    REQUESTS.append({"prompt": prompt[:20], "tokens": response.usage.total_tokens, "total": TOTAL_TOKENS})
    if TOTAL_TOKENS > BUDGET:
        raise BudgetExceeded(TOTAL_TOKENS)
    return response.choices[0].message.content


def describe(product):
    features = chat(f"Features of a {product} [list of 3]")
    pitch = chat(f"A pitch for: {features}", system="You sell things.")
    price = chat(f"The price of a {product} [number 5-50]")
    return {"product": product, "features": features.splitlines(), "pitch": pitch, "price": int(price)}


def main(workdir):
    catalogue = []
    try:
        for product in ["lamp", "kettle", "ladder", "mirror"]:
            entry = describe(product)
            catalogue.append(entry)
            print(f"{product}: {entry['price']} (tokens so far {TOTAL_TOKENS})")
    except BudgetExceeded as e:
        print("stopped at", e)
    catalogue.sort(key=lambda entry: entry["price"])
    blurb = chat("Introduce: " + ", ".join(e["product"] for e in catalogue))
    print(len(REQUESTS), "requests,", TOTAL_TOKENS, "tokens")
    return catalogue, blurb
