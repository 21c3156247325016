# ruff: noqa
# mypy: ignore-errors
"""Code generation with a repair loop: candidates are executed against tests, the error goes into the next prompt."""

import traceback

from programs.world import llm

PROBLEMS = {
    "double": ([(1, 2), (4, 8)], ["x + x", "x * 3", "2 * y", "x ** 2"]),
    "negate": ([(1, -1), (0, 0)], ["-x", "x - 1", "0 - x", "not x"]),
    "halve": ([(4, 2), (10, 5)], ["x / 0", "x // 2", "x - 2", "undefined(x)"]),
}
MAX_ATTEMPTS = 4


class Solution:
    def __init__(self, name, source):
        self.name = name
        self.source = source
        self.passed = 0
        self.error = None


def generate(name, options, feedback):
    prompt = f"Write {name}(x).\n{feedback}\n[one of: {' | '.join(options)}]"
    return f"def {name}(x):\n    return {llm(prompt)}\n"


def run_tests(solution, tests):
    namespace = {}
    try:
        exec(solution.source, namespace)
        for argument, expected in tests:
            got = namespace[solution.name](argument)
            assert got == expected, f"{solution.name}({argument}) = {got}, not {expected}"
            solution.passed += 1
    except Exception as e:
        solution.error = traceback.format_exception_only(type(e), e)[-1].strip()
    return solution.error is None


def solve(name, tests, options):
    feedback = ""
    history = []
    for attempt in range(MAX_ATTEMPTS):
        solution = Solution(name, generate(name, options, feedback))
        history.append(solution)
        if run_tests(solution, tests):
            print(f"{name}: solved on attempt {attempt + 1}")
            return solution, history
        print(f"{name}: attempt {attempt + 1} failed: {solution.error}")
        feedback += f"Attempt {attempt + 1} failed with {solution.error}\n"
    return max(history, key=lambda s: s.passed), history


def main(workdir):
    solved = {}
    attempts = 0
    for name, (tests, options) in PROBLEMS.items():
        best, history = solve(name, tests, options)
        attempts += len(history)
        solved[name] = best.source if best.error is None else None
        with open(f"{workdir}/{name}.py", "w") as f:
            f.write(best.source)
    print("attempts:", attempts, "unsolved:", [n for n, s in solved.items() if s is None])
    return solved
