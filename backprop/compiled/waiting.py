"""Waiting without sleep."""

from numba import njit, types  # pyright: ignore[reportMissingImports]

TURNS = 4000
"""How often a thread looks: for a millisecond or two, if no one else wants its core."""
give_way = types.ExternalFunction("sched_yield", types.int32())


@njit(nogil=True, cache=True)
def until(seen):
    """Return when `seen` is set, or when it has been looked at for long."""
    for _ in range(TURNS):
        if seen[0]:
            return
        give_way()
