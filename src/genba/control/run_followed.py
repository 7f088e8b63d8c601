"""Follow each product that a machine makes, part by part: what wanders, and whether it surprises.

One tracker for each product (and the program that it runs by) takes what is measured of parts. What
was made of another product meanwhile has let lots and wear wander, too.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genba.control.bound import Bound
from genba.control.runs import Run, same_program, usable
from genba.control.runs_learned import ProductBelief
from genba.errors import TwinError
from genba.plant import US
from genba.twin.process import Tracker, prior
from genba.twin.process.episode import Floats
from genba.twin.process.track import Wander

Flags = npt.NDArray[np.bool_]
BLIND = 25
"""Runs without any measurement after which nothing is chosen."""
DOUBTED = 9.0
_SMOOTH = 0.15
"""Share of the newest run in how surprising runs were of late."""
_PAUSE = 5.0
"""A run that took so many times as long as the quickest had a pause in it."""
_LEAST_WANDER = 2e-3
"""Of states in a run, in spans: lots and wear come sooner or later, whatever a recording showed."""
_LONGEST = 200
"""Runs that are taken to have passed while another product was made, at most."""


@dataclass(slots=True, eq=False)
class Followed:
    """One product."""

    believed: ProductBelief
    tracker: Tracker
    surprise: float = 1.0
    blind: int = BLIND
    last: int | None = None
    quick_s: float = math.inf
    """Shortest time from one of its runs to the next."""
    course: deque[Floats] | None = None
    """What is left of an experiment."""

    def ran(self, run: Run, shown: Floats) -> None:
        """Take in a run, of which ``shown`` (outputs,) is what tells of the process."""
        self._pass_by(run)
        try:
            if np.isfinite(shown).any():
                new = self.tracker.seen(shown, run.inputs, run.context)
                first = self.blind >= BLIND
                self.blind = 0
                if not first:
                    self.surprise += _SMOOTH * (min(new, 10 * DOUBTED) - self.surprise)
            else:
                self.blind += 1
            self.tracker.went(run.inputs, run.context)
        except TwinError:
            self.tracker.restart()
            self.blind, self.surprise = BLIND, 1.0
        if self.surprise > DOUBTED:
            self.tracker.loosen(0.1)

    def _pass_by(self, run: Run) -> None:
        """Let what wanders have wandered while another product was made."""
        if self.last is not None and run.time > self.last:
            passed = (run.time - self.last) / US
            self.quick_s = min(self.quick_s, passed)
            if passed > _PAUSE * self.quick_s:
                for _ in range(min(_LONGEST, round(passed / self.quick_s) - 1)):
                    self.tracker.went(run.inputs, run.context)
        self.last = run.time


class FollowedProducts:
    """What is followed of each product of one process.

    Parameters
    ----------
    only_paid : (outputs,) of bool
        What costs and tells nothing of the process.
    """

    def __init__(self, bound: Bound, beliefs: Sequence[ProductBelief], only_paid: Flags) -> None:
        self._bound, self._only_paid = bound, only_paid
        low, high = bound.bounds()
        self._span = high - low
        self._all = [self._begun(believed) for believed in beliefs]

    def __iter__(self) -> Iterator[Followed]:
        return iter(self._all)

    def known(self, product: str, recipe: Floats) -> Followed | None:
        """Return what is followed of a product under the recipe that its machine wrote."""
        for one in self._all:
            same = one.believed.product == product
            if same and same_program(one.believed.recipe, recipe, self._span):
                return one
        return None

    def guessed(self, product: str, recipe: Floats) -> Followed:
        """Follow a product of which nothing was learned by its physics' author's guess."""
        seen = np.array([recipe, recipe])
        one = self._begun(ProductBelief(product, prior(self._bound.physics), seen, recipe))
        self._all.append(one)
        return one

    def ran(self, run: Run) -> None:
        """Take in a run of whatever product."""
        one = self.known(run.product, run.recipe)
        if one is not None and usable(run):
            one.ran(run, np.where(self._only_paid, np.nan, run.shown))

    def _begun(self, believed: ProductBelief) -> Followed:
        wander = Wander(max(believed.belief.wander, _LEAST_WANDER))
        return Followed(believed, Tracker(self._bound.symbolic, believed.belief, wander))
