"""A process of the plant file joined to its physics: which signal is which variable, in which unit.

Signals come in the plant's units and physics speaks in its own; the conversion is made here, once,
and a unit that cannot be converted is refused with both names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genba.control.objective import Objective
from genba.errors import ControlError
from genba.plant import US, KwhPrice, Plant, Process, Signal, SignalKind
from genba.plant.units import commensurable, convert
from genba.twin.process import Clock, Symbolic, UnitProcess, Variable, symbolic
from genba.twin.process.episode import Floats
from genba.twin.process.library import physics_named

_SHARE = 0.1
"""Part of what lies between its bounds that a set-point may change at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """A variable and the signal that shows or takes it; ``signal`` None: nobody measures it.

    A value of the physics is ``scale * value of the signal + shift``. ``field`` is the name of a
    value in the signal's JSON; what is written there is taken to be in the variable's unit.
    """

    variable: Variable
    signal: Signal | None
    scale: float = 1.0
    shift: float = 0.0
    field: str = ""

    def plain(self, value: float) -> float:
        """Turn a value of the physics into one of the signal."""
        return (value - self.shift) / self.scale


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A process that is ready to be learned and controlled."""

    process: Process
    symbolic: Symbolic
    inputs: tuple[Wire, ...]
    context: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    kwh_price: KwhPrice | None = None
    """The plant's tariff of electricity."""

    @property
    def physics(self) -> UnitProcess:
        """The physics."""
        return self.symbolic.process

    @property
    def signals(self) -> list[str]:
        """All signals, each once."""
        wires = (*self.inputs, *self.context, *self.outputs)
        return list(dict.fromkeys(w.signal.id for w in wires if w.signal is not None))

    def bounds(self) -> Floats:
        """Lowest and highest set-points, (2, inputs): what model, signal and plant file all take.

        Raises
        ------
        ControlError
            If they have nothing in common.
        """
        low, high = [], []
        for wire in self.inputs:
            least, most = wire.variable.low, wire.variable.high
            if wire.signal is not None and wire.signal.range is not None:
                ends = [
                    end if value is None else wire.scale * value + wire.shift
                    for value, end in (
                        (wire.signal.range.low, least),
                        (wire.signal.range.high, most),
                    )
                ]
                least, most = max(least, min(ends)), min(most, max(ends))
            closer = self.process.inputs.get(wire.variable.name)
            if closer is not None:
                least, most = max(least, closer.low), min(most, closer.high)
            if not least < most:
                raise ControlError(
                    f"'{wire.variable.name}' of '{self.process.id}' has nothing left to choose "
                    "between the signal's range, the physics' one and the plant file's 'inputs'; "
                    "correct one of them"
                )
            low.append(least)
            high.append(most)
        return np.array([low, high])

    def steps(self) -> Floats:
        """Most that set-points may change from one choice to the next, (inputs,)."""
        low, high = self.bounds()
        most: Floats = _SHARE * (high - low)
        for place, wire in enumerate(self.inputs):
            told = self.process.inputs.get(wire.variable.name)
            if told is not None and told.step is not None:
                most[place] = told.step
        return most

    def objective(self) -> Objective:
        """Say what the plant file wants.

        Raises
        ------
        ControlError
            If it wants nothing, or speaks of what the physics does not have.
        """
        wanted = self.process.objective
        if wanted is None:
            raise ControlError(
                f"process '{self.process.id}' has no objective; say in the plant file what its "
                "set-points are for"
            )
        return Objective(
            {name: wish.weight for name, wish in wanted.targets.items()},
            dict(wanted.prices),
            dict(wanted.moves),
            {name: (kept.low, kept.high) for name, kept in wanted.keeps.items()},
            {name: kept.probability for name, kept in wanted.keeps.items()},
            dict(wanted.kwh),
        ).checked(self.physics)

    def tariff(self, now: int) -> Floats:
        """Say what a kilowatt hour costs in each of the steps ahead, (horizon,); 0: no tariff."""
        step_us, steps = round(self.process.step_s * US), self.process.horizon
        if self.kwh_price is None:
            return np.zeros(steps)
        return np.array([self.kwh_price.at(now + step * step_us) for step in range(steps)])

    def references(self) -> Floats:
        """Where outputs are wanted, (outputs,); 0 where nowhere."""
        targets = {} if self.process.objective is None else self.process.objective.targets
        names = [wire.variable.name for wire in self.outputs]
        return np.array([targets[name].value if name in targets else 0.0 for name in names])


def bound(plant: Plant, name: str) -> Bound:
    """Join a process of the plant file to its physics.

    Parameters
    ----------
    name : str
        Of the process, or of a machine that has one process alone.

    Raises
    ------
    ControlError
        If there is no such process, or its signals do not fit the physics.
    TwinError
        If there is no such physics.
    """
    process = _named(plant, name)
    physics = physics_named(process.physics)
    known = {v.name for of in (physics.inputs, physics.context, physics.outputs) for v in of}
    for variable in process.signals:
        if variable not in known:
            raise ControlError(
                f"process '{process.id}' wires '{variable}', which '{process.physics}' does not "
                f"have; it has {', '.join(sorted(known))}"
            )
    choices = [v.name for v in physics.inputs]
    for variable in process.inputs:
        if variable not in choices:
            raise ControlError(
                f"process '{process.id}' bounds the input '{variable}', which '{process.physics}' "
                f"does not have; it has {', '.join(choices)}"
            )
    by_run = physics.clock is Clock.RUN
    return Bound(
        process,
        symbolic(physics, process.step_s),
        _wires(plant, process, physics.inputs, needed=True, by_run=by_run, chosen=True),
        _wires(plant, process, physics.context, needed=True, by_run=by_run),
        _wires(plant, process, physics.outputs, needed=False, by_run=by_run),
        KwhPrice.of(plant),
    )


def _named(plant: Plant, name: str) -> Process:
    by_id = {one.id: one for one in plant.processes}
    if name in by_id:
        return by_id[name]
    own = [one for one in plant.processes if one.equipment == name]
    if len(own) == 1:
        return own[0]
    if own:
        told = ", ".join(one.id for one in own)
        raise ControlError(f"'{name}' has several processes: {told}. Name one of them")
    told = ", ".join(one.id for one in plant.processes) or "none"
    raise ControlError(
        f"'{name}' is no process of the plant; it has: {told}. Processes stand in the plant file "
        "under 'processes'"
    )


def _wires(
    plant: Plant,
    process: Process,
    of: Sequence[Variable],
    *,
    needed: bool,
    by_run: bool,
    chosen: bool = False,
) -> tuple[Wire, ...]:
    wires = []
    for variable in of:
        name = process.signals.get(variable.name)
        if name is None:
            if needed:
                raise ControlError(
                    f"process '{process.id}' does not say which signal is '{variable.name}'"
                )
            wires.append(Wire(variable, None))
            continue
        name, _, field = name.partition("#")
        signal = plant.signals[name]
        if field:
            if by_run and not chosen:
                wires.append(Wire(variable, signal, field=field))
                continue
            raise ControlError(
                f"process '{process.id}' wires '{variable.name}' to '{name}#{field}', a value of a "
                "part; that is for what is measured where the physics goes by run"
            )
        if chosen and signal.kind is not SignalKind.SETPOINT:
            raise ControlError(f"'{name}' is no setpoint, so '{variable.name}' cannot be chosen")
        if not commensurable(signal.unit, variable.unit):
            raise ControlError(
                f"'{name}' is in {signal.unit}, and '{variable.name}' of '{process.physics}' in "
                f"{variable.unit}: one is not the other; wire another signal"
            )
        shift = convert(0.0, signal.unit, variable.unit)
        scale = convert(1.0, signal.unit, variable.unit) - shift
        wires.append(Wire(variable, signal, scale, shift))
    return tuple(wires)
