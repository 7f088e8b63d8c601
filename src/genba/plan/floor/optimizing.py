"""The optimizing planner of the loop: follows the plan in force, and has better ones made.

It never computes a plan itself: a :class:`~genba.plan.floor.desk.Desk` does, outside of the loop. A
plan that the desk offers becomes a proposal of the kind ``replan``; only when the guard (and, where
the autonomy level says so, a person) allowed it, it is in force. Until a first one is, and when the
last one is too old, this planner makes no dispatch and transport decisions: the plain one does.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from genba.errors import GenbaError
from genba.plan.demand.situation import LotPhase, Situation
from genba.plan.floor.desk import Answer, Desk, Question
from genba.plan.floor.follow import Follower
from genba.plan.floor.instructions import Instructions
from genba.plan.floor.moves import Moves
from genba.plan.floor.routing import Routings
from genba.plan.floor.transport import Move, NearestVehicle
from genba.plant import US, Evidence, Level, Plant, Proposal, Scalar

NAME = "optimizer"
OLD_S = 4 * 3600.0
"""Age at which a plan is followed no more, in plant seconds; each night and weekend ends one."""
LEAST_S = 60.0
"""Plant seconds between two questions, however much happens."""
OFFERS = 3
"""How often a plan is offered at most: an offer that was late for its tick was not heard."""
MOST_TOLD = 12
"""Changes that a proposal names; the record of the plan holds all."""


class Dispatcher(Protocol):
    """Sends vehicles for moves."""

    def propose(self, situation: Situation, moves: Iterable[Move]) -> list[Proposal]:
        """Propose vehicle orders for moves, and for vehicles that should rest."""
        ...

    def travel_s(self, origin: str, destination: str) -> float | None:
        """Estimate the transport time between two stations."""
        ...


class OptimizingPlanner:
    """Satisfies :class:`~genba.plan.demand.situation.Planner`.

    Parameters
    ----------
    plant : Plant
        What there is; ``plant.planning`` says how often plans are looked for.
    desk : Desk
        Makes the plans.
    fleet : Dispatcher, optional
        Sends the vehicles; default the nearest free one.
    """

    name = NAME

    def __init__(self, plant: Plant, desk: Desk, fleet: Dispatcher | None = None) -> None:
        self._plant = plant
        self._desk = desk
        self._fleet: Dispatcher = fleet or NearestVehicle(plant, NAME)
        routings = Routings(plant)
        self._follower = Follower(plant, routings, Moves(routings, self._fleet), NAME)
        self._offered: dict[str, Answer] = {}
        self._open: Answer | None = None
        self._offers_left = 0
        self._asked = -(2**62)
        self._seen: _Sight | None = None
        self._number = 0
        self._failed = ""
        self.in_force: Answer | None = None
        """The plan that is followed, once one is allowed."""
        self._site = _site(plant)

    @property
    def kinds(self) -> frozenset[str]:
        """What it decides on now: with a plan in force all, without one only on plans."""
        if self.in_force is None:
            return frozenset({"replan"})
        return frozenset({"replan", "dispatch", "transport"})

    def propose(self, situation: Situation) -> Sequence[Proposal]:
        """Follow the plan in force, ask for a better one where it is time, offer what came."""
        # First what has come: the next question would take its place.
        offers = self._offers(situation)
        orders = self._current(situation)
        self._ask(situation, orders)
        if orders is None:
            return offers
        moves = self._follower.moves(situation, orders)
        jobs = self._follower.jobs(situation, orders, moves)
        started = {lot for job in jobs for lot in str(job.context["lot"]).split(",")}
        moves = [move for move in moves if move.lot not in started]
        return [*offers, *jobs, *self._fleet.propose(situation, moves)]

    def accept(self, plan: str) -> None:
        """Put a plan in force that was proposed and allowed. An unknown one changes nothing."""
        answer = self._offered.get(plan)
        if answer is None:
            return
        newest = self.in_force
        if newest is None or newest.number < answer.number:
            self.in_force = answer
        self._open = None
        self._offered = {k: a for k, a in self._offered.items() if a.number > answer.number}

    def close(self) -> None:
        """End what runs for it."""
        self._desk.close()

    # -- plans --------------------------------------------------------------------------------

    def _current(self, situation: Situation) -> Instructions | None:
        force = self.in_force
        if force is not None and situation.time - force.instructions.time > OLD_S * US:
            self.in_force = force = None
        return None if force is None else force.instructions

    def _ask(self, situation: Situation, orders: Instructions | None) -> None:
        """Ask for a plan where something happened, or the last one is of some time ago."""
        if self._open is not None and self._offers_left:
            return
        if self._desk.busy or situation.time - self._asked < LEAST_S * US:
            return
        if not situation.lots and not situation.upcoming:
            return
        sight = _Sight(situation)
        why = self._why(situation, sight)
        if why:
            self._asked, self._seen = situation.time, sight
            self._number += 1
            self._desk.ask(Question(situation, orders, why, self._number))

    def _why(self, situation: Situation, sight: "_Sight") -> str:
        if self._seen is None or self.in_force is None:
            return "there is no plan"
        happened = sight.news_since(self._seen)
        if happened:
            return happened
        if situation.time - self._asked >= self._plant.planning.every_s * US:
            return f"the last plan is {(situation.time - self._asked) / US / 60:.0f} min old"
        return ""

    def _offers(self, situation: Situation) -> list[Proposal]:
        """Offer what the desk has found, if it is better than what is followed."""
        try:
            answer = self._desk.answer()
        except GenbaError as error:
            if str(error) != self._failed:
                self._failed = str(error)
                raise
            return []
        if answer is not None:
            self._failed = ""
            self._take(answer)
        if self._open is None or self._offers_left == 0:
            return []
        self._offers_left -= 1
        return [self._offer(situation, self._open)]

    def _take(self, answer: Answer) -> None:
        """Note an answer: better times of the same plan are used, a better plan is offered."""
        force = self.in_force
        if force is not None and answer.moved == 0:
            # The same plan with better times: nothing that anybody would have to agree to.
            self.in_force = answer
        elif force is None or answer.better_by > 0:
            self._offered[answer.instructions.id] = answer
            self._open, self._offers_left = answer, OFFERS

    def _offer(self, situation: Situation, answer: Answer) -> Proposal:
        context: dict[str, Scalar] = {
            "plan": answer.instructions.id,
            "planned": answer.planned,
            "moved": answer.moved,
            "price": answer.price,
            "better_by": answer.better_by,
            "late": len(answer.late),
            "found_by": answer.found_by,
            "seed": answer.seed,
            "changes": "; ".join(answer.changes[:MOST_TOLD]),
        }
        return Proposal(
            id=f"{NAME}-replan-{answer.instructions.id}-{OFFERS - self._offers_left}",
            time=situation.time,
            kind="replan",
            equipment=self._site,
            writes=(),
            reason=_words(answer, self.in_force),
            source=NAME,
            evidence=_evidence(situation),
            context=context,
        )


class _Sight:
    """What of a situation calls for a new plan when it changes."""

    def __init__(self, situation: Situation) -> None:
        self.lots = {
            lot.id: lot.quantity for lot in situation.lots if lot.phase is not LotPhase.DONE
        }
        self.orders = {order.id for order in situation.upcoming}
        self.known = {lot.order for lot in situation.lots} | self.orders
        self.down = {machine.id for machine in situation.machines if not machine.able}
        self.vehicles = {vehicle.id for vehicle in situation.vehicles if vehicle.node is None}

    def news_since(self, before: "_Sight") -> str:
        """Return what happened in words, empty if nothing did that matters."""
        new = sorted(self.known - before.known)
        news = [f"new order {', '.join(new[:3])}"] if new else []
        news += [f"{machine} is down" for machine in sorted(self.down - before.down)]
        news += [f"{machine} works again" for machine in sorted(before.down - self.down)]
        news += [f"{vehicle} is lost" for vehicle in sorted(self.vehicles - before.vehicles)]
        news += [f"{vehicle} is back" for vehicle in sorted(before.vehicles - self.vehicles)]
        fewer = sorted(
            lot for lot, parts in self.lots.items() if parts < 0.8 * before.lots.get(lot, parts)
        )
        if fewer:
            news.append(f"scrap in {', '.join(fewer[:3])}")
        return "; ".join(news)


def _words(answer: Answer, force: Answer | None) -> str:
    late = f"{len(answer.late)} orders late" if answer.late else "no order late"
    gap = "" if answer.gap is None else f", at most {100 * answer.gap:.1f}% from the best possible"
    if force is None:
        told = f"plan {answer.instructions.id} for {answer.planned} operations: {late}{gap}"
    else:
        told = (
            f"plan {answer.instructions.id} is better by {answer.better_by:.2f} of "
            f"{answer.price + answer.better_by:.2f} and changes {answer.moved} of "
            f"{answer.planned} operations: {late}{gap}"
        )
    return f"{told}. {answer.expects}" if answer.expects else told


def _evidence(situation: Situation) -> tuple[Evidence, ...]:
    """Return what each machine that is able shows of its state: a plan rests on that."""
    return tuple(m.evidence[0] for m in situation.machines if m.able and m.evidence)


def _site(plant: Plant) -> str:
    """Return the equipment that a plan is about: the site, else the first that there is."""
    sites = [e.id for e in plant.equipment if e.level is Level.SITE]
    return (sites or [e.id for e in plant.equipment] or [plant.id])[0]
