"""Keeps the garbage collector from holding up the loop.

A full collection looks at every object while nothing else may run. What a core is made of (code,
the plant, the API) is most of them: it took 90 to 140 ms of CPU, several times a minute under load.
"""

import gc

YOUNG = 10_000
"""New objects between two collections of the youngest."""


def settle() -> None:
    """Leave out of all later collections what there is now; call it once, when all has begun."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


def unsettle() -> None:
    """Give all back to the collector, before the end: what libraries brought must go in order."""
    gc.unfreeze()
    gc.collect()
