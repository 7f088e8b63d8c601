"""Guarded experiments: who may have set-points moved in order to learn, and when it ends."""

from genba.errors import ControlError, Refused
from genba.guard import Guard
from genba.operate.driven import Driven
from genba.operate.sense import LiveValues
from genba.operate.set_point_desk import SetPointDesk
from genba.operate.set_point_proposal import KIND, beyond_limits, level_of
from genba.operate.set_point_record import SetPointRecord
from genba.plant import Autonomy, Clock, Plant


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
        if not one.on or not one.heard:
            raise ControlError(f"'{name}' is not driven now: {one.why or 'nothing was learned'}")
        if one.trying:
            raise ControlError(f"an experiment on '{name}' runs already")
        one.tried = f"{by} asked for {steps} steps"
        self._record.say(one, "control.experiment", f"{by} asks for an experiment of {steps} steps")
        self._desk.attempt(name, steps, self._clock.now())

    def look(self, one: Driven, now: int) -> None:
        """End an experiment where a limit is passed, or somebody took the machine."""
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
