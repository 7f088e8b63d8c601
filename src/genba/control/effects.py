"""What is expected of the outputs: if nothing is changed, and with what was chosen."""

import numpy as np

from genba.control.advice import futures
from genba.control.bound import Bound
from genba.control.chooser import Effect
from genba.twin.process import Tracker
from genba.twin.process.episode import Floats

_NORMAL_95 = 1.96


def effects_of(
    bound: Bound, tracker: Tracker, path: Floats, in_force: Floats, context: Floats
) -> list[Effect]:
    """Let what is believed run to the end of a path of set-points, (steps, inputs)."""
    stays = futures(bound, tracker, np.tile(in_force, (len(path), 1)), context)
    moved = futures(bound, tracker, path, context)
    if not (len(stays) and len(moved)):
        return []
    told = []
    for place, wire in enumerate(bound.outputs):
        wide = float(np.hypot(moved[:, place].std(), tracker.belief.noise[place]))
        wide *= _NORMAL_95 * float(tracker.belief.widened(len(path))[place])
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
