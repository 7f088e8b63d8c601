"""A machine watches its own models: says upward what it finds, and goes back by rule."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence

from genba.errors import GenbaError
from genba.learn.edge.node import Node
from genba.learn.watch.asked import Noticed
from genba.operate.alarms import Fact
from genba.operate.edge_plant import signal_of
from genba.operate.model_watch import ModelWatch, equipment_of
from genba.plant import Plant, Sample

BY = "genba edge watch"
UNFIT, FIT, BACK, BLIND = "unfit", "fit", "taken back", "unwatched"

logger = logging.getLogger(__name__)


class EdgeWatch:
    """Passes on what looks at the models of a machine find, and acts where it may.

    Each finding is an alarm of the kind ``unfit_model`` until a look no longer makes it, and a
    value of ``<equipment>.model_findings``, so that it takes the plant's uplink. A release without
    a reference is told of once.

    Parameters
    ----------
    plant, node, watch
        The machine, its models, and what looks at them.
    act : bool
        Whether a release is taken back where the rules say so.
    emit : callable
        Takes samples, to be recorded and passed on.
    """

    def __init__(
        self,
        plant: Plant,
        node: Node,
        watch: ModelWatch,
        act: bool,
        emit: Callable[[Sequence[Sample]], None],
    ) -> None:
        self._plant = plant
        self._node = node
        self._watch = watch
        self._act = act
        self._emit = emit
        self._unfit: dict[str, Noticed] = {}
        self._blind: set[str] = set()

    def facts(self, now: int) -> Iterable[Fact]:
        """Return what the last look found; begin the next one where it is due."""
        return self._watch.facts(now)

    def look_after(self, now: int) -> list[Sample]:
        """Take back what the rules say; return what is to be told. May wait for the disk."""
        news = self._watch.news()
        if news is None:
            return []
        unfit = {one.address: one for one in news if one.text}
        told: list[Sample | None] = [
            self._told(one, FIT, "a look finds nothing any more", now)
            for address, one in self._unfit.items()
            if address not in unfit and self._node.slot(one.name).force == address
        ]
        self._unfit = unfit
        for one in news:
            if one.blind and one.address not in self._blind:
                self._blind.add(one.address)
                logger.warning("nobody can watch model %s: %s", one.name, one.blind)
                told.append(self._told(one, BLIND, one.blind, now))
            if one.text:
                told.append(self._told(one, UNFIT, one.text, now))
            if one.back and self._act:
                told += self._take_back(one, now)
        return [sample for sample in told if sample is not None]

    def tell(self, samples: Sequence[Sample]) -> None:
        """Have what was told recorded and passed on."""
        if samples:
            self._emit(samples)

    def close(self) -> None:
        """End a look that runs. Safe to call twice."""
        self._watch.close()

    def _take_back(self, one: Noticed, now: int) -> list[Sample | None]:
        """Bring back the release before, if this one still runs."""
        if self._node.slot(one.name).force != one.address:
            return []
        try:
            slot = self._node.roll_back(one.name, f"watched: {one.back}", BY, one.address)
        except GenbaError as error:
            logger.warning("model %s cannot be taken back: %s", one.name, error)
            return [self._told(one, UNFIT, f"it cannot be taken back: {error}", now)]
        before = "nothing runs in its place" if slot.force is None else f"{slot.force[:12]} runs"
        return [self._told(one, BACK, f"{one.back}; {before}", now)]

    def _told(self, one: Noticed, what: str, text: str, now: int) -> Sample | None:
        equipment = equipment_of(self._plant, one)
        if not equipment:
            return None
        told = {"model": one.name, "address": one.address, "what": what, "text": text}
        return Sample(signal_of(equipment), now, now, json.dumps(told, separators=(",", ":")))
