"""Choices become proposals: what was chosen of a process is put before the guard."""

import itertools
from collections.abc import Callable, Mapping, Sequence

from genba.control.chooser import Effect
from genba.guard import Guard
from genba.operate.driven import DRIVING, Driven, Driver
from genba.operate.sense import LiveValues
from genba.operate.set_point_proposal import Wish, level_of, nonsense, proposal_of
from genba.operate.set_point_record import SetPointRecord
from genba.operate.set_point_trials import SetPointTrials
from genba.plant import US, Autonomy, Decision, Plant, Proposal, Verdict

ADVICE_S = 600.0
"""After so long, advice is shown again."""


class SetPointAsking:
    """Asks the guard for set-points, at the level of the equipment.

    Parameters
    ----------
    plant, guard, live
        Of the core.
    record : SetPointRecord
        Where it is written down who drives.
    trials : SetPointTrials
        Which end where the guard refuses.
    """

    def __init__(
        self,
        plant: Plant,
        guard: Guard,
        live: LiveValues,
        record: SetPointRecord,
        trials: SetPointTrials,
    ) -> None:
        self._plant, self._guard, self._live = plant, guard, live
        self._record, self._trials = record, trials
        self._numbers = itertools.count(1)
        self.waiting: list[tuple[Driven, Driver, str, Proposal]] = []

    def put_through(self, decide: Callable[[Proposal], Verdict]) -> None:
        """Have what was chosen decided on, and note what came of it."""
        waiting, self.waiting = self.waiting, []
        for one, driver, why, proposal in waiting:
            one.proposal, one.wish = proposal.id, (driver, why)
            self._decided(one, proposal, decide(proposal))

    def propose(
        self,
        one: Driven,
        driver: Driver,
        writes: Mapping[str, float | int],
        reason: str,
        now: int,
        *,
        at_most: Autonomy | None = None,
        effects: Sequence[Effect] = (),
        based_on: Sequence[str] = (),
        ahead_s: float = 0.0,
    ) -> None:
        """Make a proposal, unless somebody holds the machine or the like of it stands already."""
        process = one.process
        wrong = nonsense(writes, one.steps)
        if wrong:
            self._record.turn(one, one.driver, f"what was chosen is not taken: {wrong}", now)
            return
        for name in writes:
            held = self._guard.overrides.refusals(self._plant.signals[name], now)
            if held:
                to = Driver.BACK if one.driver is Driver.BACK else Driver.PLAIN
                self._record.turn(one, to, held[0], now)
                return
        level = level_of(self._guard, self._plant, one, at_most)
        if level is Autonomy.OBSERVE or self._stands(one, writes, level, now):
            one.why = reason if level is not Autonomy.OBSERVE else "the level is observe"
            if level is Autonomy.ADVISE and one.driver is Driver.PLAIN:
                self._record.turn(one, Driver.ADVICE, reason, now)
            return
        wish = Wish(writes, reason, at_most, effects, based_on, ahead_s)
        name = f"control-{process.id}-{now}-{next(self._numbers)}"
        proposal = proposal_of(self._plant, self._live, one, wish, name, level, driver, now)
        self.waiting.append((one, driver, reason, proposal))
        if driver is not Driver.BACK:
            one.expect(effects, ahead_s, now)

    def _stands(
        self, one: Driven, writes: Mapping[str, float | int], level: Autonomy, now: int
    ) -> bool:
        """Whether one is under way, waits for people, or was advised not long ago."""
        if one.proposal:
            waits = {w.proposal.id for w in self._guard.waiting()}
            if level is not Autonomy.APPROVE or one.proposal in waits:
                return True
            one.proposal = ""
        if level is not Autonomy.ADVISE or now - one.advised_at > ADVICE_S * US:
            return False
        before = one.advised
        return set(before) == set(writes) and all(
            abs(value - before[name]) < 0.1 * one.steps[name] for name, value in writes.items()
        )

    def _decided(self, one: Driven, proposal: Proposal, verdict: Verdict) -> None:
        now, (_, why) = verdict.time, one.wish
        match verdict.decision:
            case Decision.ALLOWED:
                return
            case Decision.ADVISED:
                one.proposal = ""
                one.advised = {w.signal: w.value for w in proposal.writes}  # type: ignore[misc]
                one.advised_at, one.expected_at = now, 0
                self._record.turn(one, Driver.ADVICE, why, now)
            case Decision.AWAITING_APPROVAL:
                one.expected_at = 0
                if one.driver is not Driver.BACK:
                    self._record.turn(one, Driver.ADVICE, f"waits for people: {why}", now)
            case Decision.REFUSED:
                one.proposal, one.expected_at = "", 0
                if one.trying:
                    self._trials.end(one, "; ".join(verdict.reasons), now)
                to = one.driver if one.driver in DRIVING else Driver.PLAIN
                self._record.turn(one, to, f"the guard refused: {'; '.join(verdict.reasons)}", now)
