#!/usr/bin/env python3
"""No operation takes more instructions than its budget: a regression shows before any clock could.

Budgets are what g++ 12 gave at -O3 on x86-64 and a tenth more, since a busy machine makes for a few
more looks at the clock. A change that needs more has to say why here; one that needs less lowers
the budget.
"""
import sys

import count

BUDGETS = {
    "yield": 104,
    "spawn_join": 323,
    "spawn_join_100": 331,
    "condition": 328,
    "semaphore": 291,
    "timed_wait": 608,
    "sleep": 836,
    "channel": 455,
    "lock": 28,
}
ATTEMPTS = 3


def complaint(figure, budget, counted):
    """None if one of the attempts keeps to the budget."""
    least = float("inf")
    for _ in range(ATTEMPTS):
        least = min(least, counted(figure))
        if least <= budget:
            print(f"{figure}: {least:.1f} of {budget}")
            return None
    return f"{figure}: {least:.1f} instructions, and {budget} are its budget"


def main():
    if complaint("proof", 10, lambda _: 11) is None or complaint("proof", 10, lambda _: 9):
        sys.exit("the test itself is broken: it cannot tell more from less")
    program = sys.argv[1]
    found = [complaint(f, b, lambda name: count.instructions(program, name))
             for f, b in BUDGETS.items()]
    if any(found):
        sys.exit("\n".join(c for c in found if c))


if __name__ == "__main__":
    main()
