import linecache

from explain.stand_in import QUESTIONS, ask

DEEP = " + ".join(["question"] * 1200)  # a sum is nested as deep as it is long
linecache.cache["deep.py"] = (
    0,
    None,
    [f"waits = lambda: [ask({DEEP}) for question in QUESTIONS]\n"],
    "deep.py",
)

exec(compile("".join(linecache.cache["deep.py"][2]), "deep.py", "exec"))


def repaired():
    return [ask("".join([question] * 1200)) for question in QUESTIONS]
