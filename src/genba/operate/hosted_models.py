"""The core's judge by models: shows them every tick, and brings their answers before the guard."""

from collections.abc import Iterable
from typing import Any

from genba.operate.judge import Judgement, Sight
from genba.operate.model_host import ModelHost
from genba.operate.model_judge import ModelJudge


class HostedModels:
    """A judge whose models run elsewhere: what was answered since the last tick is judged now."""

    name = "models"

    def __init__(self, host: ModelHost, judge: ModelJudge) -> None:
        self._host = host
        self._judge = judge

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Judge what came, and show the present moment."""
        judgements = self._judge.judged(self._host.take(), self._host.slots, sight.time)
        self._host.show(sight.time, self._judge.look(sight.time), sight.batch)
        return judgements

    def figures(self) -> dict[str, Any]:
        """Return how many models there are, and what came of their answers."""
        slots, host = self._host.slots.values(), self._host
        return {
            "in_force": sum(slot.force is not None for slot in slots),
            "on_trial": sum(slot.trial is not None for slot in slots),
            "answers": self._judge.answers,
            "findings": self._judge.findings,
            "refused": self._judge.refused,
            "withheld": host.withheld,
            "skipped": host.skipped,
            "error": host.why,
        }
