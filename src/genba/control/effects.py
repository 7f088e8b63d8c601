"""What is expected of the outputs: if nothing is changed, and with what was chosen."""

import numpy as np

from genba.control.bound import Bound
from genba.control.chooser import Effect
from genba.twin.process import Belief
from genba.twin.process.episode import Floats

_NORMAL_95 = 1.96


def effects_of(bound: Bound, belief: Belief, paths: tuple[Floats, Floats]) -> list[Effect]:
    """Say what is expected at the end of two ways, each (futures, steps, outputs)."""
    if not len(paths[0]):
        return []
    stays, moved = (path[:, -1] for path in paths)
    ahead = paths[1].shape[1]
    told = []
    for place, wire in enumerate(bound.outputs):
        wide = float(np.hypot(moved[:, place].std(), belief.noise[place]))
        wide *= _NORMAL_95 * float(belief.widened(ahead)[place])
        middle, name = float(moved[0, place]), wire.variable
        signal = "" if wire.signal is None else wire.signal.id
        still = float(stays[0, place])
        told.append(
            Effect(name.name, name.unit, still, middle, middle - wide, middle + wide, signal)
        )
    return told


def in_words(effects: list[Effect]) -> str:
    """Say it in one line."""
    told = [f"{e.name} {e.chosen:.5g} {e.unit} ({e.stays:.5g} if nothing changes)" for e in effects]
    return f"looked ahead: {', '.join(told)}" if told else "looked ahead"
