"""All models of one machine at work: each with its runner, as the node says."""

import math
from collections.abc import Sequence

from genba.learn.edge.contract import Contract
from genba.learn.edge.node import Node
from genba.learn.edge.pictures import Picture
from genba.learn.edge.runner import TRIAL_ANSWERS, Answer, Feeding, Runner
from genba.learn.edge.window import Look
from genba.plant import Sample


class Runners:
    """Asks every model of a node; models come and go as the node says.

    Parameters are those of :class:`~genba.learn.edge.runner.Runner`.
    """

    def __init__(
        self, node: Node, feeding: Feeding | None = None, trial_answers: int = TRIAL_ANSWERS
    ) -> None:
        self._node = node
        self._feeding = feeding
        self._trial_answers = trial_answers
        self._runners: dict[str, Runner] = {}

    @property
    def withheld(self) -> int:
        """Answers that made no sense and went nowhere."""
        return sum(runner.withheld for runner in self._runners.values())

    def contracts(self) -> list[Contract]:
        """Return what those ask for that run now, in force or on trial."""
        return [one for runner in self._runners.values() for one in runner.contracts()]

    def p99_us(self) -> dict[str, float]:
        """Return the p99 of the CPU time of an answer, by address of what is in force."""
        told = (runner.p99_us() for runner in self._runners.values())
        return dict(one for one in told if one is not None)

    def follow(self) -> None:
        """Load and let go of models as the node says. May take a second; never while
        :meth:`tick` runs.
        """
        for name in self._node.slots():
            if name not in self._runners:
                self._runners[name] = Runner(self._node, name, self._feeding, self._trial_answers)
            self._runners[name].follow()

    def tick(self, now: int, look: Look, came: Sequence[Sample] = ()) -> Sequence[Answer]:
        """Show the present values, and what came, to each; return what they answer."""
        told = [runner.tick(now, look, came) for runner in self._runners.values()]
        return [answer for answers in told for answer in answers]

    def show(self, now: int, pictures: Sequence[Picture]) -> Sequence[Answer]:
        """Show pictures to the models that see any; return what they answer. May take its time."""
        seeing = [
            runner
            for runner in self._runners.values()
            if any(contract.picture is not None for contract in runner.contracts())
        ]
        told = [runner.tick(now, lambda _: math.nan, pictures) for runner in seeing]
        return [answer for answers in told for answer in answers]

    def lose(self) -> None:
        """Say that samples were lost on the way to them."""
        for runner in self._runners.values():
            runner.lose()

    def close(self) -> None:
        """End the processes of trials."""
        for runner in self._runners.values():
            runner.close()
