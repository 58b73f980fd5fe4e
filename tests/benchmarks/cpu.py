"""CPU time of what is asked again and again: the machine does other things as well."""

from collections.abc import Callable
from time import process_time

ROUNDS = 50


def timed(call: Callable[[], object]) -> list[float]:
    """Milliseconds, of each round."""
    times = []
    for _ in range(ROUNDS):
        began = process_time()
        call()
        times.append((process_time() - began) * 1000)
    return times
