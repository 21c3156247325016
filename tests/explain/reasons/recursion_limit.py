from explain.stand_in import ask


def count(depth):
    return len(ask("end")) if depth == 0 else 1 + count(depth - 1)


def waits():
    return ask("deep"), count(10_000)  # RecursionError, as line by line


def repaired():
    return ask("deep"), len(ask("end")) + sum(1 for _ in range(10_000))
