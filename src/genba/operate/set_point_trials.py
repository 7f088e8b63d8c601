"""Guarded experiments: who may have set-points moved in order to learn, and when it ends."""

from genba.errors import ControlError, Refused
from genba.guard import Guard
from genba.operate.driven import Driven
from genba.operate.sense import LiveValues
from genba.operate.set_point_desk import SetPointDesk
from genba.operate.set_point_proposal import KIND, beyond_limits, level_of
from genba.operate.set_point_record import SetPointRecord
from genba.plant import US, Autonomy, Clock, Plant

LONGEST_H = 24.0
"""Plant hours after which an experiment is over in any case."""


class SetPointTrials:
    """Begins and ends experiments.

    Parameters
    ----------
    plant, guard, live, clock
        Of the core.
    desk : SetPointDesk
        Where they are designed and played.
    record : SetPointRecord
        Where it is written down.
    """

    def __init__(
        self,
        plant: Plant,
        guard: Guard,
        live: LiveValues,
        clock: Clock,
        desk: SetPointDesk,
        record: SetPointRecord,
    ) -> None:
        self._plant, self._guard, self._live, self._clock = plant, guard, live, clock
        self._desk, self._record = desk, record

    def begin(self, one: Driven, steps: int, by: str) -> None:
        """Let set-points be moved a little in order to learn.

        Raises
        ------
        ControlError
            If control is switched off, not ready, or an experiment runs already.
        Refused
            If the plant file does not allow it.
        """
        name = one.process.id
        if not one.process.experiments:
            raise Refused(f"the plant file allows no experiments on '{name}' (experiments: true)")
        level = level_of(self._guard, self._plant, one)
        if level is not Autonomy.AUTONOMOUS:
            raise Refused(
                f"experiments on '{name}' need the level autonomous for '{KIND}' on "
                f"{one.process.equipment}, which is at {level}"
            )
        if one.trying or one.first:
            raise ControlError(f"an experiment on '{name}' runs already")
        if not one.on or (one.stamp and not one.heard):
            raise ControlError(f"'{name}' is not driven now: {one.why or 'nothing chooses'}")
        one.tried = f"{by} asked for {steps} steps"
        self._record.say(one, "control.experiment", f"{by} asks for an experiment of {steps} steps")
        if one.heard:
            self._desk.attempt(name, steps, self._clock.now())
        else:
            # Nothing was learned: what plays an experiment by run needs no more than the recipe.
            one.first = steps
            self._desk.drive(name, one.handover.plain or one.plain, first=True)

    def ready(self, one: Driven, now: int) -> None:
        """Go on where what chooses is there: begin a first experiment, end one that was lost."""
        if one.trying:
            self.end(one, "what chooses began anew", now)
        elif one.first:
            self._desk.attempt(one.process.id, one.first, now)

    def told(self, one: Driven, begun: bool, text: str, now: int) -> None:
        """Hear whether an experiment begins."""
        one.trying, one.tried, one.trying_since = begun, text, now
        word = "begins" if begun else "is refused"
        self._record.say(one, "control.experiment", f"an experiment {word}: {text}")
        if not begun:
            self._done(one, text)

    def look(self, one: Driven, now: int) -> None:
        """End an experiment where a limit is passed, somebody took the machine, or it lasts."""
        if now - one.trying_since > LONGEST_H * 3600 * US:
            self.end(one, f"it went on for {LONGEST_H:g} h", now)
            return
        wired = (name.partition("#")[0] for name in one.process.signals.values())
        for name in dict.fromkeys(wired):
            signal = self._plant.signals[name]
            held = self._guard.overrides.refusals(signal, now)
            held += beyond_limits(signal, self._live.value(name))
            if held:
                self.end(one, held[0], now)
                return

    def end(self, one: Driven, why: str, now: int) -> None:
        """End the one that runs."""
        one.trying, one.tried = False, f"ended: {why}"
        self._desk.attempt(one.process.id, 0, now)
        self._record.say(one, "control.experiment", f"the experiment ends: {why}")
        self._done(one, why)

    def _done(self, one: Driven, why: str) -> None:
        """After a first experiment nothing drives; the core itself gives set-points back."""
        if one.first:
            name, one.first, one.heard = one.process.id, 0, 0
            self._desk.drop(name)
            one.why = f"{why}; run `genba twin learn {name}`"
