"""Set-point control in the loop: choices become proposals, and who drives is on record.

The choosers run beside the core (:mod:`genba.operate.set_point_desk`). What they say is a wish;
each becomes a proposal, which the guard decides on at the equipment's level for ``setpoint``. The
core knows the plain controller's own set-points by itself, and brings them back in bounded steps
where control is switched off, stands back, or falls silent.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from genba.control.chooser import Held, Setting
from genba.errors import ControlError
from genba.guard import Guard
from genba.operate.alarms import Fact
from genba.operate.driven import DRIVING, Driven, Driver
from genba.operate.judge import Judgement, Sight
from genba.operate.sense import LiveValues
from genba.operate.set_point_asking import SetPointAsking
from genba.operate.set_point_desk import SetPointDesk
from genba.operate.set_point_host import Ready, Reply, Said, Tried, Unfit
from genba.operate.set_point_proposal import SOURCE, level_of
from genba.operate.set_point_record import SetPointRecord, Tell
from genba.operate.set_point_relearning import SetPointRelearning
from genba.operate.set_point_trials import SetPointTrials
from genba.plant import (
    US,
    Autonomy,
    Clock,
    Command,
    Outcome,
    Plant,
    Proposal,
    Quality,
    Role,
    Sample,
    Verdict,
)

NOBODY = "nothing chooses set-points any more"
LOOK_EVERY = 10
"""Ticks between looks for something new that was learned."""
LATE = 0.5
"""Part of its process' step from which a choice is too old."""
SILENT, HELD = 3, 3
"""Steps without an answer, and answers without a choice, after which the way back begins."""


class SetPoints:
    """Drives the processes that the plant file wants controlled. A judge, too: it has findings.

    Parameters
    ----------
    plant, guard, live, clock
        Of the core.
    desk : SetPointDesk
        Where set-points are chosen.
    relearning : SetPointRelearning
        Has processes learned anew.
    learned : Path
        Folder of what was learned of processes.
    file : Path
        Where it is kept what is switched on, and what the plain controller's own set-points are.
    tell : callable
        Takes rows for the historian.

    Raises
    ------
    ControlError
        If the file is damaged: nobody knows what to give back then.
    """

    name = "control"

    def __init__(
        self,
        plant: Plant,
        guard: Guard,
        live: LiveValues,
        clock: Clock,
        desk: SetPointDesk,
        relearning: SetPointRelearning,
        learned: Path,
        file: Path,
        tell: Tell,
    ) -> None:
        self._plant, self._guard, self._live, self._clock = plant, guard, live, clock
        self._desk, self._relearning, self._learned = desk, relearning, learned
        self.driven = {p.id: Driven(p, since=clock.now()) for p in plant.processes if p.control}
        self._record = SetPointRecord(self.driven, clock, file, tell)
        for one in self.driven.values():
            one.resume(plant)
        self._trials = SetPointTrials(plant, guard, live, clock, desk, self._record)
        self._asking = SetPointAsking(plant, guard, live, self._record, self._trials)
        self._ticks = itertools.count()

    # -- in the loop --------------------------------------------------------------------------

    def judge(self, sight: Sight) -> Iterable[Judgement]:
        """Take what came, show it to the choosers, and turn their answers into proposals."""
        if not self.driven:
            return ()
        now = sight.time
        if next(self._ticks) % LOOK_EVERY == 0:
            self._look_for_models()
        self._follow(sight.batch, now)
        for reply in self._desk.take():
            self._take(reply, now)
        self._desk.moment(now, sight.batch)
        for one in self.driven.values():
            one.look(self._plant, self._live, now)
            self._watch(one, now)
        self._relearning.look(self.driven.values(), self._record, now)
        self._record.keep()
        return self._record.found()

    def put_through(self, decide: Callable[[Proposal], Verdict]) -> None:
        """Have what was chosen decided on, and note what came of it."""
        self._asking.put_through(decide)

    @staticmethod
    def owns(proposal: Proposal) -> bool:
        """Whether a proposal is control's own."""
        return proposal.source.startswith(SOURCE)

    def commanded(self, proposal: Proposal, command: Command) -> None:
        """Learn that something of control's own is about to be written; a person may have said
        yes to it long after it was proposed.
        """
        one = self.driven.get(str(proposal.context.get("process")))
        if one is None:
            return
        writes = {w.signal: float(w.value) for w in command.writes}  # type: ignore[arg-type]
        one.handover.asked(writes)
        self._desk.wrote(one.process.id, writes)
        self._desk.base(one.process.id, one.handover.plain)
        driver, why = one.wish
        one.proposal = proposal.id
        self._record.turn(one, driver, why, command.time)

    def ended(self, proposal: Proposal, outcome: Outcome) -> None:
        """Learn how a command of control's own ended."""
        one = self.driven.get(str(proposal.context.get("process")))
        if one is not None and one.proposal == proposal.id:
            one.proposal = ""
            if not outcome.done:
                self._record.turn(one, one.driver, f"not written: {outcome.detail}", outcome.time)

    def facts(self) -> Iterable[Fact]:
        """Return that nothing chooses, where that is so."""
        if self.driven and self._desk.why:
            yield Fact("control_down", "control", self._desk.why)

    def figures(self) -> dict[str, Any]:
        """Return how many processes are controlled, by whom, and what became of expectations."""
        driven = self.driven.values()
        return {
            "controlled": len(driven),
            "driving": sum(one.driver in DRIVING for one in driven),
            "advising": sum(one.driver is Driver.ADVICE for one in driven),
            "doubted": sum(one.doubted for one in driven),
            "checked": sum(one.checked for one in driven),
            "within": sum(one.within for one in driven),
            "restarts": self._desk.restarts,
            "error": self._desk.why,
        }

    def settle(self) -> None:
        """Wait until all is chosen and learned; for plants that step in process."""
        self._desk.settle()
        self._relearning.settle()

    def close(self) -> None:
        """End what chooses, and what learns."""
        self._desk.close()
        self._relearning.close()

    # -- people -------------------------------------------------------------------------------

    def run(self, process: str, by: str) -> Driven:
        """Switch control of a process on.

        Raises
        ------
        ControlError
            If there is no such process, or the plant file does not want it controlled.
        """
        one = self.named(process)
        if not one.on:
            one.on, one.by, one.stamp, one.why = True, by, 0, ""
            self._record.say(one, "control.on", f"{by} switched control on")
            self._look_for_models()
            one.why = one.why or f"{by} switched control on"
            self._record.keep()
        return one

    def stop(self, process: str, by: str) -> Driven:
        """Switch control of a process off: its own set-points come back step by step."""
        one = self.named(process)
        if one.on:
            if one.trying or one.first:
                one.tried = f"ended: {by} switched control off"
            one.on, one.by, one.trying, one.first = False, by, False, 0
            self._desk.drop(one.process.id)
            self._record.say(one, "control.off", f"{by} switched control off")
            to = Driver.BACK if one.driver in DRIVING else Driver.PLAIN
            self._record.turn(one, to, f"{by} switched control off", self._clock.now())
            one.heard = one.moved = 0
            self._record.trust(one)
            self._record.keep()
        return one

    def experiment(self, process: str, steps: int, by: str) -> Driven:
        """Let set-points be moved a little in order to learn.

        Raises
        ------
        ControlError
            As :meth:`run`, or if it is switched off, not ready, or one runs already.
        Refused
            If the plant file does not allow it.
        """
        one = self.named(process)
        self._trials.begin(one, steps, by)
        return one

    def named(self, process: str) -> Driven:
        """Find a controlled process by its name, or by a machine that has one alone.

        Raises
        ------
        ControlError
            If there is none, or the plant file does not want it controlled.
        """
        for one in self.driven.values():
            if process == one.process.id:
                return one
        own = [d for d in self.driven.values() if d.process.equipment == process]
        if len(own) == 1:
            return own[0]
        if own:
            told = ", ".join(d.process.id for d in own)
            raise ControlError(f"'{process}' has several processes: {told}. Name one of them")
        if any(process in (p.id, p.equipment) for p in self._plant.processes):
            raise ControlError(
                f"the plant file does not want '{process}' controlled; give it 'control: true'"
            )
        told = ", ".join(self.driven) or "none"
        raise ControlError(f"'{process}' is no controlled process of the plant; it has: {told}")

    # -- what came ----------------------------------------------------------------------------

    def _look_for_models(self) -> None:
        """Have driven what is switched on and was learned, anew where it was learned anew."""
        for one in self.driven.values():
            path = self._learned / f"{one.process.id}.json"
            try:
                stamp = path.stat().st_mtime_ns
            except OSError:
                stamp = 0
            if not one.on or one.trying or one.first:
                continue
            if not stamp:
                one.why = one.why or f"nothing was learned; run `genba twin learn {one.process.id}`"
                self._desk.drop(one.process.id)
                one.stamp = one.heard = 0
            elif stamp != one.stamp:
                one.stamp = stamp
                self._desk.drive(one.process.id, one.handover.plain or one.plain)

    def _follow(self, batch: Sequence[Sample], now: int) -> None:
        for sample in batch:
            if sample.quality == Quality.BAD:
                continue
            signal = self._plant.signals[sample.signal]
            if signal.role is Role.LOTS:
                for one in self.driven.values():
                    one.works_on(str(sample.value), signal.equipment, sample.source_time)
            elif isinstance(sample.value, int | float):
                for one in self.driven.values():
                    own = sample.signal in one.handover.signals and math.isfinite(sample.value)
                    if own and one.shows(sample.signal, float(sample.value), sample.source_time):
                        self._foreign(one, sample, now)

    def _foreign(self, one: Driven, sample: Sample, now: int) -> None:
        text = f"somebody else set {sample.signal} to {sample.value:.6g}; that is the base now"
        self._record.tell("events", one.told("control.base", text, now))
        self._desk.base(one.process.id, one.handover.plain)
        if one.trying and not one.waits:
            self._trials.end(one, f"somebody else set {sample.signal}", now)

    def _take(self, reply: Reply, now: int) -> None:
        match reply:
            case Ready():
                one = self.driven[reply.process]
                one.ready(self._plant, reply.model, reply.about, reply.steps)
                one.heard, one.waits = now, reply.waits
                found = [self._live.get(name) for name in reply.signals]
                shown = [sample for sample in found if sample is not None]
                self._follow(shown, now)
                self._desk.show(shown)
                model = f"model {reply.model}" if reply.model else "no model, to experiment"
                text = f"goes by {model}: {reply.about}"
                self._record.say(one, "control.ready", text)
                self._trials.ready(one, now)
            case Unfit():
                one = self.driven[reply.process]
                one.heard = 0
                if one.first:
                    self._trials.told(one, False, reply.why, now)
                    return
                to = Driver.BACK if one.driver in DRIVING else Driver.PLAIN
                self._record.turn(one, to, reply.why, now)
                self._record.doubt(one, reply.why, now)
            case Said():
                for name, choice in reply.choices.items():
                    one = self.driven[name]
                    late_s = (now - reply.now) / US
                    if not one.on or not one.heard:
                        continue
                    if late_s > max(LATE * one.process.step_s, 2 * self._plant.tick_s):
                        one.why = f"its choice came {late_s:.3g} s late, and is not taken"
                        continue
                    one.heard = now
                    self._chosen(one, choice, now)
            case Tried():
                self._trials.told(self.driven[reply.process], reply.begun, reply.told, now)
            case None:
                pass

    def _chosen(self, one: Driven, choice: object, now: int) -> None:
        if not isinstance(choice, Setting):
            nothing = Held(f"its answer is {type(choice).__name__}, which is none")
            self._held(one, choice if isinstance(choice, Held) else nothing, now)
            return
        one.held = 0
        self._record.trust(one)
        driver = Driver.EXPERIMENT if one.trying else Driver.CONTROL
        if not choice.writes:
            why = choice.reason if one.trying else f"what is in force is best; {choice.reason}"
            if one.driver is Driver.CONTROL:
                one.why = choice.reason
                one.expect(choice.effects, choice.ahead_s, now)
            elif self.level(one, choice.at_most) is Autonomy.AUTONOMOUS:
                self._record.turn(one, driver, why, now)
            else:
                self._record.turn(one, Driver.ADVICE, why, now)
            return
        self._asking.propose(
            one, driver, choice.writes, choice.reason, now, at_most=choice.at_most,
            effects=choice.effects, based_on=choice.based_on, ahead_s=choice.ahead_s,
        )  # fmt: skip

    def _held(self, one: Driven, held: Held, now: int) -> None:
        one.held += 1
        if one.trying and not held.waits:
            self._trials.end(one, held.why, now)
        if held.doubted:
            self._record.doubt(one, held.why, now)
        back = dict(held.give_back)
        if not back and one.driver in DRIVING and (held.doubted or one.held > HELD):
            back = one.handover.way_back()
        if back and one.driver in DRIVING:
            self._asking.propose(one, Driver.BACK, back, f"giving back: {held.why}", now)
        elif one.driver not in DRIVING or one.held > HELD or held.doubted:
            self._record.turn(one, Driver.PLAIN, held.why, now)
        else:
            one.why = held.why

    def _watch(self, one: Driven, now: int) -> None:
        """Bring back what is plain where nobody chooses any more; end what must not go on."""
        if one.trying:
            self._trials.look(one, now)
        silent = not one.heard or now - one.heard > SILENT * max(one.step_us, self._tick_us)
        if one.driver not in DRIVING or (one.on and not silent):
            return
        if now - one.moved < one.step_us or one.proposal:
            return
        one.moved = now
        back = one.handover.way_back()
        learn = f"the experiment is over; run `genba twin learn {one.process.id}`"
        why = self._desk.why or (NOBODY if one.stamp else learn)
        why = why if one.on else f"{one.by} switched control off"
        if back:
            self._asking.propose(one, Driver.BACK, back, f"giving back: {why}", now)
        elif one.handover.known():
            self._record.turn(one, Driver.PLAIN, why, now)

    def level(self, one: Driven, at_most: Autonomy | None = None) -> Autonomy:
        """Return the level at which set-points of a process are decided on."""
        return level_of(self._guard, self._plant, one, at_most)

    @property
    def _tick_us(self) -> int:
        return round(self._plant.tick_s * US)
