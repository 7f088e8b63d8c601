"""What a person gives to mend samples that do not fit, and samples as JSON text."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from genba.errors import HistorianError
from genba.plant import US, DataType, Quality, Sample, Scalar, Signal
from genba.plant.checks.report import near
from genba.plant.units import commensurable, convert, parse_unit

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_LONGEST_SHIFT_S = 100 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Correction:
    """How to mend a sample. Applied in this order: type, unit, scale and offset, time, signal.

    ``value = converted * scale + offset``; ``shift_s`` seconds are added to the source time.
    """

    scale: float = 1.0
    offset: float = 0.0
    unit_from: str | None = None
    shift_s: float = 0.0
    as_type: DataType | None = None
    signal: str | None = None

    def check(self, signals: Mapping[str, Signal]) -> None:
        """Refuse a correction that mends nothing, or could mend nothing.

        Raises
        ------
        HistorianError
            If it changes nothing, a number is not finite, or the signal is unknown.
        PlantError
            If the unit is none.
        """
        if self == Correction():
            raise HistorianError(
                "the correction changes nothing; give scale, offset, unit-from, shift-time, "
                "as-type or signal"
            )
        numbers = {"scale": self.scale, "offset": self.offset, "shift-time": self.shift_s}
        for name, number in numbers.items():
            if not math.isfinite(number):
                raise HistorianError(f"{name} {number} is no finite number; give one")
        if self.scale == 0:
            raise HistorianError("scale 0 would make every value the same; give another number")
        if abs(self.shift_s) > _LONGEST_SHIFT_S:
            raise HistorianError(f"shift-time {self.shift_s:g} s is over 100 years; give less")
        if self.unit_from is not None:
            parse_unit(self.unit_from)
        if self.signal is not None and self.signal not in signals:
            raise HistorianError(unknown_signal(self.signal, signals))

    def apply(self, sample: Sample, signals: Mapping[str, Signal]) -> Sample:
        """Return the sample as mended; its quality is uncertain at best if its value was changed.

        Raises
        ------
        HistorianError
            If it cannot be mended so.
        """
        name = self.signal or sample.signal
        value = _typed(sample.value, self.as_type)
        if self.unit_from is not None and name in signals:
            value = _converted(value, self.unit_from, signals[name])
        if (self.scale, self.offset) != (1.0, 0.0):
            value = _number(value) * self.scale + self.offset
        changed = value != sample.value
        return sample._replace(
            signal=name,
            source_time=sample.source_time + round(self.shift_s * US),
            value=value,
            quality=max(sample.quality, int(Quality.UNCERTAIN)) if changed else sample.quality,
        )

    def to_json(self) -> str:
        """Write what it changes as JSON text."""
        usual = asdict(Correction())
        changes = {name: v for name, v in asdict(self).items() if v != usual[name]}
        return json.dumps(changes)

    @classmethod
    def from_json(cls, text: str | None) -> "Correction":
        """Read what :meth:`to_json` wrote; nothing changes nothing."""
        given: dict[str, Any] = json.loads(text) if text else {}
        kind = given.get("as_type")
        return replace(cls(**given), as_type=None if kind is None else DataType(kind))


def unknown_signal(name: str, signals: Iterable[str]) -> str:
    """Say that there is no signal of that name, and which ones are near."""
    return f"there is no signal '{name}' in this plant; {near(name, signals, 'signal')}"


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HistorianError(f"{value!r} is no number to scale; give as-type float too")
    return value


def _converted(value: object, unit: str, signal: Signal) -> float:
    if not commensurable(unit, signal.unit):
        raise HistorianError(f"{unit} cannot be turned into {signal.unit} of '{signal.id}'")
    return convert(_number(value), unit, signal.unit)


def _typed(value: Any, kind: DataType | None) -> Scalar:
    text = str(value).strip()
    try:
        match kind:
            case None:
                return value  # type: ignore[no-any-return]
            case DataType.FLOAT:
                return float(text)
            case DataType.INT:
                return int(text) if text.lstrip("+-").isdigit() else int(float(text))
            case DataType.BOOL if text.lower() in (*_TRUE, *_FALSE):
                return text.lower() in _TRUE
            case DataType.STRING:
                return value if isinstance(value, str) else json.dumps(value)
            case DataType.JSON:
                json.loads(text)
                return text
    except (ValueError, OverflowError):
        pass
    raise HistorianError(f"{value!r} cannot be read as {kind}; give another type")


def value_to_json(value: object) -> str:
    """Write any value as JSON text; what JSON cannot say is an object with one key."""
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps({"number": str(value)})
    if isinstance(value, bytes | bytearray):
        return json.dumps({"hex": value.hex()})
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({"text": repr(value)})


def value_from_json(text: str | None) -> Any:
    """Read what :func:`value_to_json` wrote."""
    value = json.loads(text or "null")
    if isinstance(value, dict) and value.keys() == {"number"}:
        return float(value["number"])
    if isinstance(value, dict) and value.keys() == {"hex"}:
        return bytes.fromhex(value["hex"])
    return value
