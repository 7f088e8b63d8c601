"""Planning with a net: what an advanced planner does not do in time, the plain one does.

The simplex architecture (Sha, IEEE Software 2001): a simple controller that is always there takes
over, in the same tick, whenever the clever one is late, raises, or returns nonsense.
"""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from genba.guard import FROM_OUTSIDE, malformed
from genba.operate.judge import Judgement
from genba.plan import EarliestDueDate, Planner, Situation
from genba.plan.floor.desk import Answer
from genba.plant import Finding, Proposal, Severity

logger = logging.getLogger(__name__)

STEPPED_S = 60.0
"""Wall seconds for planning on a plant that is stepped."""


@runtime_checkable
class Intends(Protocol):
    """A planner that has plans of its own, which have to be allowed before it follows them."""

    in_force: Answer | None
    """The plan that it follows."""

    def accept(self, plan: str) -> None:
        """Follow a plan from now on; called on the loop's thread."""
        ...

    def close(self) -> None:
        """End what runs for it."""
        ...


@dataclass(frozen=True, slots=True)
class Planned:
    """What planning came to in one tick."""

    proposals: tuple[Proposal, ...]
    judgements: tuple[Judgement, ...]
    """Findings about planners that had to be replaced."""


class Planning:
    """Asks the configured planners, all at once, and fills in with the plain one.

    Parameters
    ----------
    plain : EarliestDueDate
        Runs in the loop itself; it is quick.
    advanced : sequence of Planner
        In order of rank: a kind of decision belongs to the first that makes it.
    deadline_s : float
        Wall seconds that they may take, together.
    """

    def __init__(
        self, plain: EarliestDueDate, advanced: Sequence[Planner], deadline_s: float
    ) -> None:
        self._plain = plain
        self._advanced = list(advanced)
        self._deadline_s = deadline_s
        self._busy: dict[str, asyncio.Future[Sequence[Proposal]]] = {}
        self._replaced: set[str] = set()
        self.fallbacks = 0
        """How often the plain planner stood in for another one."""

    async def propose(self, situation: Situation) -> Planned:
        """Plan one tick."""
        proposals: list[Proposal] = []
        judgements: list[Judgement] = []
        covered: set[str] = set()
        # A copy each: what one caches or changes is not what another one works with.
        asked = (self._ask(planner, replace(situation)) for planner in self._advanced)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for planner, found in zip(self._advanced, answers, strict=True):
            try:
                kinds = frozenset(planner.kinds) - covered
                proposals += checked(_given(found), planner, kinds)
            except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
                judgements += self._replace(planner, situation, error)
            else:
                covered |= kinds
                judgements += self._trust(planner, situation)
        if not self._plain.kinds <= covered:
            proposals += [p for p in self._plain.propose(situation) if p.kind not in covered]
        return Planned(tuple(proposals), tuple(judgements))

    def stand_in(self, situation: Situation, equipment: frozenset[str]) -> list[Proposal]:
        """Return the plain planner's proposals for equipment where another's were refused."""
        self.fallbacks += 1
        return [p for p in self._plain.propose(situation) if p.equipment in equipment]

    def accepted(self, proposal: Proposal) -> None:
        """Tell a planner that what it intends was allowed."""
        for planner in self._advanced:
            if planner.name == proposal.source and isinstance(planner, Intends):
                planner.accept(str(proposal.context.get("plan")))

    @property
    def in_force(self) -> Answer | None:
        """The plan that is followed now, None where there is none."""
        plans = (p.in_force for p in self._advanced if isinstance(p, Intends))
        return next((plan for plan in plans if plan is not None), None)

    def close(self) -> None:
        """Let planners end what runs for them."""
        for planner in self._advanced:
            if isinstance(planner, Intends):
                planner.close()

    async def _ask(self, planner: Planner, situation: Situation) -> Sequence[Proposal]:
        """Let a planner work in a thread; one that still works on an earlier tick is late.

        The thread is a daemon's: a planner that never comes back does not keep Genba from ending.
        """
        running = self._busy.get(planner.name)
        if running is not None and not running.done():
            raise TimeoutError("it still works on an earlier tick")
        future: asyncio.Future[Sequence[Proposal]] = asyncio.get_running_loop().create_future()
        self._busy[planner.name] = future
        threading.Thread(
            target=_work,
            args=(planner, situation, future),
            name=f"planner {planner.name}",
            daemon=True,
        ).start()
        begun = time.monotonic()
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._deadline_s)
        except TimeoutError:
            future.add_done_callback(_swallow)
            took = time.monotonic() - begun
            raise TimeoutError(
                f"it was not ready after {took:.2f} s, its deadline is {self._deadline_s:.2f} s"
            ) from None

    def _replace(self, planner: Planner, situation: Situation, error: Exception) -> list[Judgement]:
        self.fallbacks += 1
        if planner.name in self._replaced:
            return []
        self._replaced.add(planner.name)
        why = str(error) or type(error).__name__
        logger.warning("planner '%s' is replaced by the plain one: %s", planner.name, why)
        text = f"planner '{planner.name}' is replaced by the plain one: {why}"
        return [Judgement(_finding(planner, situation, text, Severity.WARNING), stands=True)]

    def _trust(self, planner: Planner, situation: Situation) -> list[Judgement]:
        if planner.name not in self._replaced:
            return []
        self._replaced.discard(planner.name)
        text = f"planner '{planner.name}' plans again"
        return [Judgement(_finding(planner, situation, text, Severity.INFO), clears=True)]


def checked(found: object, planner: Planner, kinds: frozenset[str]) -> list[Proposal]:
    """Return a planner's answer if it makes sense as one; the guard judges each proposal later.

    Raises
    ------
    ValueError
        If it is no sequence of proposals of the planner's kinds, with ids of their own and at most
        one for each piece of equipment and kind.
    """
    if not isinstance(found, Sequence) or not all(isinstance(p, Proposal) for p in found):
        raise ValueError(f"it returned {type(found).__name__}, no sequence of proposals")
    if len({p.id for p in found}) < len(found):
        raise ValueError("two of its proposals have the same id")
    if len({(p.equipment, p.kind) for p in found}) < len(found):
        raise ValueError("it wants two things of the same equipment at once")
    for proposal in found:
        wrong = malformed(proposal)
        if wrong:
            raise ValueError(f"a proposal of it is none: {wrong}")
        if proposal.kind not in planner.kinds:
            raise ValueError(f"it proposed kind '{proposal.kind}', which it does not make")
        if proposal.actor != "genba":
            raise ValueError(f"it speaks for '{proposal.actor}'; only people speak for people")
        if proposal.source in ("", "plain", *FROM_OUTSIDE):
            raise ValueError("its proposals must name it as their source")
    return [p for p in found if p.kind in kinds]


def _given(found: Sequence[Proposal] | BaseException) -> Sequence[Proposal]:
    if isinstance(found, BaseException):
        raise found
    return found


def deadline_s(tick_s: float, speed: float) -> float:
    """Return the wall seconds that planning may take: half a tick, at most one second.

    Where the plant's clock is stepped it waits for planning, and only a planner that hangs is late.
    """
    return STEPPED_S if math.isinf(speed) else min(1.0, 0.5 * tick_s / speed)


def _work(
    planner: Planner, situation: Situation, future: asyncio.Future[Sequence[Proposal]]
) -> None:
    """Let a planner propose, in this thread, and hand over what came of it, whatever that is."""
    found: Sequence[Proposal] = ()
    failure: Exception | None = None
    try:
        found = planner.propose(situation)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        failure = RuntimeError(str(error) or type(error).__name__)
    except BaseException as error:  # noqa: BLE001 - even what would end this process
        failure = RuntimeError(f"it raised {type(error).__name__}")

    def hand_over() -> None:
        if future.done():
            return
        if failure is None:
            future.set_result(found)
        else:
            future.set_exception(failure)

    with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
        future.get_loop().call_soon_threadsafe(hand_over)


def _swallow(future: asyncio.Future[Sequence[Proposal]]) -> None:
    """Take notice of what a late planner came to, so that nobody complains about it."""
    if not future.cancelled():
        future.exception()


def _finding(planner: Planner, situation: Situation, text: str, severity: Severity) -> Finding:
    return Finding(
        id=f"F-planner-{planner.name}-{situation.time}",
        time=situation.time,
        kind=f"planner_{planner.name}",
        equipment="",
        text=text,
        severity=severity,
        source="planning",
    )
