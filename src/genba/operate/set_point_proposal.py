"""What is put before the guard, and before people, of what was chosen for a process."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from genba.control.chooser import Effect
from genba.guard import Guard
from genba.operate.driven import Driven, Driver
from genba.operate.judge import Judgement
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    Autonomy,
    Finding,
    Plant,
    Proposal,
    Scalar,
    Severity,
    Signal,
    Write,
)

KIND = "setpoint"
SOURCE = "control@"
"""How the source of control's own proposals begins; the model's digest follows."""
WAIT_S = 300.0
"""How long people may think about what was chosen."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written, and what is known of it."""

    writes: Mapping[str, float | int]
    reason: str
    at_most: Autonomy | None
    effects: Sequence[Effect]
    based_on: Sequence[str]
    ahead_s: float


def proposal_of(
    plant: Plant,
    live: LiveValues,
    one: Driven,
    wish: Wish,
    name: str,
    level: Autonomy,
    driver: Driver,
    now: int,
) -> Proposal:
    """Make one proposal of all writes, with what it is based on and what is expected of it."""
    process = one.process
    # What is given back has to come through a dead sensor, too: it stands on what is in force.
    back = driver is Driver.BACK
    signals = dict.fromkeys(wish.writes if back else [*wish.based_on, *process.signals.values()])
    evidence = [piece for n in signals if (piece := live.evidence(n)) is not None]
    life_s = WAIT_S if level is Autonomy.APPROVE else max(process.step_s, 2 * plant.tick_s)
    context: dict[str, Scalar] = {
        "process": process.id,
        "model": one.model,
        "driver": str(driver),
        "expected": json.dumps([asdict(effect) for effect in wish.effects]),
        "ahead_s": wish.ahead_s,
    }
    if wish.at_most is not None:
        context["at_most"] = str(wish.at_most)
    return Proposal(
        id=name,
        time=now,
        kind=KIND,
        equipment=process.equipment,
        writes=tuple(Write(n, v, plant.signals[n].unit) for n, v in wish.writes.items()),
        reason=wish.reason,
        source=f"{SOURCE}{one.model}",
        expires=now + round(life_s * US),
        evidence=tuple(evidence),
        context=context,
    )


def level_of(guard: Guard, plant: Plant, one: Driven, at_most: Autonomy | None = None) -> Autonomy:
    """Return the level at which set-points of a process are decided on."""
    owners = [plant.signals[name].equipment for name in one.steps]
    return guard.level([one.process.equipment, *owners], KIND, at_most)


def nonsense(writes: Mapping[str, object], own: Mapping[str, float]) -> str:
    """Say why writes are not to be taken at all: other signals, or what is no number."""
    for name, value in writes.items():
        if name not in own:
            return f"{name} is not its to choose"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):  # type: ignore[arg-type]
            return f"{value!r:.40} for {name} is no finite number"
    return ""


def beyond_limits(signal: Signal, value: Scalar) -> list[str]:
    """Say which alarm limit of a signal a value has passed; empty if none."""
    limits = signal.limits
    if limits is None or not isinstance(value, int | float):
        return []
    low = max((x for x in (limits.low, limits.low_low) if x is not None), default=None)
    high = min((x for x in (limits.high, limits.high_high) if x is not None), default=None)
    passed = (low is not None and value < low) or (high is not None and value > high)
    return [f"{signal.id} is at {value:.6g} {signal.unit}, beyond its limit"] if passed else []


def doubt_of(one: Driven, text: str, now: int, *, stands: bool) -> Judgement:
    """Find that control of a process is not to be trusted, or is again."""
    finding = Finding(
        id=f"F-control-{one.process.id}-{now}",
        time=now,
        kind="control_doubted",
        equipment=one.process.equipment,
        text=text,
        severity=Severity.WARNING if stands else Severity.INFO,
        source=one.process.id,
    )
    return Judgement(finding, stands=stands, clears=not stands, about=one.process.id)
