"""Set-point control in the loop: choices become proposals, and who drives is on record.

The choosers run beside the core (:mod:`genba.operate.set_point_desk`). What they say is a wish;
each becomes a proposal, which the guard decides on at the equipment's level for ``setpoint``. The
core knows the plain controller's own set-points by itself, and brings them back in bounded steps
where control is switched off, stands back, or falls silent.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genba.control.chooser import Effect, Held, Setting
from genba.errors import ControlError, Refused
from genba.guard import Guard
from genba.operate.alarms import Fact
from genba.operate.driven import DRIVING, Driven, Driver, restore
from genba.operate.judge import Judgement, Sight
from genba.operate.sense import LiveValues
from genba.operate.set_point_desk import SetPointDesk
from genba.operate.set_point_host import Ready, Reply, Said, Tried, Unfit
from genba.operate.set_point_proposal import (
    KIND,
    SOURCE,
    Wish,
    beyond_limits,
    doubt_of,
    nonsense,
    proposal_of,
)
from genba.operate.state import write_atomically
from genba.plant import (
    US,
    Autonomy,
    Clock,
    Command,
    Decision,
    Outcome,
    Plant,
    Proposal,
    Quality,
    Sample,
    Verdict,
)

LOOK_EVERY = 10
"""Ticks between looks for something new that was learned."""
LATE = 0.5
"""Part of its process' step from which a choice is too old."""
SILENT, HELD = 3, 3
"""Steps without an answer, and answers without a choice, after which the way back begins."""
ADVICE_S = 600.0

Tell = Callable[[str, Mapping[str, Any]], None]


class SetPoints:
    """Drives the processes that the plant file wants controlled. A judge, too: it has findings.

    Parameters
    ----------
    plant, guard, live, clock
        Of the core.
    desk : SetPointDesk
        Where set-points are chosen.
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
        learned: Path,
        file: Path,
        tell: Tell,
    ) -> None:
        self._plant, self._guard, self._live, self._clock = plant, guard, live, clock
        self._desk, self._learned, self._file, self._tell = desk, learned, file, tell
        self.driven = {p.id: Driven(p, since=clock.now()) for p in plant.processes if p.control}
        restore(self._file, self.driven)
        self._kept = self._as_text()
        self._ticks = itertools.count()
        self._numbers = itertools.count(1)
        self._proposals: list[tuple[Driven, Driver, str, Proposal]] = []
        self._judgements: list[Judgement] = []

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
        self._keep()
        found, self._judgements = self._judgements, []
        return found

    def put_through(self, decide: Callable[[Proposal], Verdict]) -> None:
        """Have what was chosen decided on, and note what came of it."""
        waiting, self._proposals = self._proposals, []
        for one, driver, why, proposal in waiting:
            one.proposal, one.wish = proposal.id, (driver, why)
            self._decided(one, proposal, decide(proposal))

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
        driver, why = one.wish
        one.proposal = proposal.id
        self._turn(one, driver, why, command.time)

    def ended(self, proposal: Proposal, outcome: Outcome) -> None:
        """Learn how a command of control's own ended."""
        one = self.driven.get(str(proposal.context.get("process")))
        if one is not None and one.proposal == proposal.id:
            one.proposal = ""
            if not outcome.done:
                self._turn(one, one.driver, f"not written: {outcome.detail}", outcome.time)

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
        """Wait until all is chosen; for plants that step in process."""
        self._desk.settle()

    def close(self) -> None:
        """End what chooses."""
        self._desk.close()

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
            one.on, one.by, one.stamp = True, by, 0
            self._say(one, "control.on", f"{by} switched control on")
            self._look_for_models()
            self._keep()
        return one

    def stop(self, process: str, by: str) -> Driven:
        """Switch control of a process off: its own set-points come back step by step."""
        one = self.named(process)
        if one.on:
            one.on, one.by, one.trying = False, by, False
            self._desk.drop(one.process.id)
            self._say(one, "control.off", f"{by} switched control off")
            to = Driver.BACK if one.driver in DRIVING else Driver.PLAIN
            self._turn(one, to, f"{by} switched control off", self._clock.now())
            one.heard = one.moved = 0
            self._clear_doubt(one)
            self._keep()
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
        name = one.process.id
        if not one.process.experiments:
            raise Refused(f"the plant file allows no experiments on '{name}' (experiments: true)")
        level = self.level(one)
        if level is not Autonomy.AUTONOMOUS:
            raise Refused(
                f"experiments on '{name}' need the level autonomous for '{KIND}' on "
                f"{one.process.equipment}, which is at {level}"
            )
        if not one.on or not one.heard:
            raise ControlError(f"'{name}' is not driven now: {one.why or 'nothing was learned'}")
        if one.trying:
            raise ControlError(f"an experiment on '{name}' runs already")
        one.tried = f"{by} asked for {steps} steps"
        self._say(one, "control.experiment", f"{by} asks for an experiment of {steps} steps")
        self._desk.attempt(name, steps, self._clock.now())
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
            if not one.on:
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
            if sample.quality == Quality.BAD or not isinstance(sample.value, int | float):
                continue
            for one in self.driven.values():
                own = sample.signal in one.handover.signals and math.isfinite(sample.value)
                if own and one.handover.shown(sample.signal, float(sample.value)):
                    self._foreign(one, sample, now)

    def _foreign(self, one: Driven, sample: Sample, now: int) -> None:
        text = f"somebody else set {sample.signal} to {sample.value:.6g}; that is the base now"
        self._tell("events", one.told("control.base", text, now))
        self._desk.base(one.process.id, one.handover.plain)
        if one.trying:
            self._end_experiment(one, f"somebody else set {sample.signal}", now)

    def _take(self, reply: Reply, now: int) -> None:
        match reply:
            case Ready():
                one = self.driven[reply.process]
                one.ready(self._plant, reply.model, reply.about, reply.steps)
                one.heard = now
                found = [self._live.get(name) for name in reply.signals]
                shown = [sample for sample in found if sample is not None]
                self._follow(shown, now)
                self._desk.show(shown)
                self._say(one, "control.ready", f"goes by model {reply.model}: {reply.about}")
            case Unfit():
                one = self.driven[reply.process]
                one.heard = 0
                to = Driver.BACK if one.driver in DRIVING else Driver.PLAIN
                self._turn(one, to, reply.why, now)
                self._doubt(one, reply.why, now)
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
                one = self.driven[reply.process]
                one.trying, one.tried = reply.begun, reply.told
                word = "begins" if reply.begun else "is refused"
                self._say(one, "control.experiment", f"an experiment {word}: {reply.told}")
            case None:
                pass

    def _chosen(self, one: Driven, choice: object, now: int) -> None:
        if not isinstance(choice, Setting):
            nothing = Held(f"its answer is {type(choice).__name__}, which is none")
            self._held(one, choice if isinstance(choice, Held) else nothing, now)
            return
        one.held = 0
        self._clear_doubt(one)
        driver = Driver.EXPERIMENT if one.trying else Driver.CONTROL
        if not choice.writes:
            if one.driver is Driver.CONTROL:
                one.why = choice.reason
                one.expect(choice.effects, choice.ahead_s, now)
            elif self.level(one, choice.at_most) is Autonomy.AUTONOMOUS:
                self._turn(one, driver, f"what is in force is best; {choice.reason}", now)
            else:
                self._turn(one, Driver.ADVICE, f"what is in force is best; {choice.reason}", now)
            return
        self._propose(
            one, driver, choice.writes, choice.reason, now, at_most=choice.at_most,
            effects=choice.effects, based_on=choice.based_on, ahead_s=choice.ahead_s,
        )  # fmt: skip

    def _held(self, one: Driven, held: Held, now: int) -> None:
        one.held += 1
        if one.trying:
            self._end_experiment(one, held.why, now)
        if held.doubted:
            self._doubt(one, held.why, now)
        back = dict(held.give_back)
        if not back and one.driver in DRIVING and (held.doubted or one.held > HELD):
            back = one.handover.way_back()
        if back and one.driver in DRIVING:
            self._propose(one, Driver.BACK, back, f"giving back: {held.why}", now)
        elif one.driver not in DRIVING or one.held > HELD or held.doubted:
            self._turn(one, Driver.PLAIN, held.why, now)
        else:
            one.why = held.why

    def _watch(self, one: Driven, now: int) -> None:
        """Bring back what is plain where nobody chooses any more; end what must not go on."""
        if one.trying:
            self._object(one, now)
        silent = not one.heard or now - one.heard > SILENT * max(one.step_us, self._tick_us)
        if one.driver not in DRIVING or (one.on and not silent):
            return
        if now - one.moved < one.step_us or one.proposal:
            return
        one.moved = now
        back = one.handover.way_back()
        why = self._desk.why or "nothing chooses set-points any more"
        why = why if one.on else f"{one.by} switched control off"
        if back:
            self._propose(one, Driver.BACK, back, f"giving back: {why}", now)
        else:
            self._turn(one, Driver.PLAIN, why, now)

    def _object(self, one: Driven, now: int) -> None:
        """End an experiment where a limit is passed, or somebody took the machine."""
        for name in one.process.signals.values():
            signal = self._plant.signals[name]
            held = self._guard.overrides.refusals(signal, now)
            held += beyond_limits(signal, self._live.value(name))
            if held:
                self._end_experiment(one, held[0], now)
                return

    def _end_experiment(self, one: Driven, why: str, now: int) -> None:
        one.trying, one.tried = False, f"ended: {why}"
        self._desk.attempt(one.process.id, 0, now)
        self._say(one, "control.experiment", f"the experiment ends: {why}")

    # -- proposals ----------------------------------------------------------------------------

    def _propose(
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
            self._turn(one, one.driver, f"what was chosen is not taken: {wrong}", now)
            return
        for name in writes:
            held = self._guard.overrides.refusals(self._plant.signals[name], now)
            if held:
                to = Driver.BACK if one.driver is Driver.BACK else Driver.PLAIN
                self._turn(one, to, held[0], now)
                return
        level = self.level(one, at_most)
        if level is Autonomy.OBSERVE or self._stands(one, writes, level, now):
            one.why = reason if level is not Autonomy.OBSERVE else "the level is observe"
            if level is Autonomy.ADVISE and one.driver is Driver.PLAIN:
                self._turn(one, Driver.ADVICE, reason, now)
            return
        wish = Wish(writes, reason, at_most, effects, based_on, ahead_s)
        name = f"control-{process.id}-{now}-{next(self._numbers)}"
        proposal = proposal_of(self._plant, self._live, one, wish, name, level, driver, now)
        self._proposals.append((one, driver, reason, proposal))
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
                self._turn(one, Driver.ADVICE, why, now)
            case Decision.AWAITING_APPROVAL:
                one.expected_at = 0
                if one.driver is not Driver.BACK:
                    self._turn(one, Driver.ADVICE, f"waits for people: {why}", now)
            case Decision.REFUSED:
                one.proposal, one.expected_at = "", 0
                if one.trying:
                    self._end_experiment(one, "; ".join(verdict.reasons), now)
                to = one.driver if one.driver in DRIVING else Driver.PLAIN
                self._turn(one, to, f"the guard refused: {'; '.join(verdict.reasons)}", now)

    def level(self, one: Driven, at_most: Autonomy | None = None) -> Autonomy:
        """Return the level at which set-points of a process are decided on."""
        return self._guard.level([one.process.equipment, *self._owners(one)], KIND, at_most)

    def _owners(self, one: Driven) -> list[str]:
        return [self._plant.signals[name].equipment for name in one.steps]

    # -- on the record ------------------------------------------------------------------------

    def _turn(self, one: Driven, driver: Driver, why: str, now: int) -> None:
        before, one.driver, one.why = one.driver, driver, why
        one.expected_at = one.expected_at if driver is Driver.CONTROL else 0
        if before is not driver:
            one.since = now
            self._tell("events", one.turned(before, now))

    def _say(self, one: Driven, kind: str, text: str) -> None:
        self._tell("events", one.told(kind, text, self._clock.now()))

    def _doubt(self, one: Driven, why: str, now: int) -> None:
        if one.doubted:
            return
        one.doubted = True
        name = one.process.id
        text = f"control of {name} stands back: {why}; if it lasts, run `genba twin learn {name}`"
        self._judgements.append(doubt_of(one, text, now, stands=True))

    def _clear_doubt(self, one: Driven) -> None:
        if one.doubted:
            one.doubted = False
            text = f"control of {one.process.id} is trusted again"
            self._judgements.append(doubt_of(one, text, self._clock.now(), stands=False))

    @property
    def _tick_us(self) -> int:
        return round(self._plant.tick_s * US)

    def _as_text(self) -> str:
        return json.dumps({name: one.kept() for name, one in self.driven.items()}, indent=1)

    def _keep(self) -> None:
        text = self._as_text()
        if text != self._kept:
            write_atomically(self._file, text + "\n")
            self._kept = text
