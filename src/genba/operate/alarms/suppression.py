"""Suppression by design: alarms that mean nothing while an expression over signals is true."""

from collections.abc import Iterator, Sequence

from genba.errors import PlantError
from genba.operate.alarms.alarm import Alarm
from genba.operate.sense import LiveValues
from genba.plant import Plant, Sample, Scalar
from genba.plant.expression import Expression, parse_expression

STALE, LINK_DOWN = "stale", "link_down"
"""While a link is down all its values grow stale: that is one alarm, not hundreds."""


def link_of(alarm: Alarm) -> str:
    """Return the connection that an alarm about a link names."""
    return alarm.id.removesuffix(f":{LINK_DOWN}")


class Suppression:
    """Looks at an expression only when one of its signals came; each text is evaluated once.

    An expression that cannot be evaluated (a value is missing or bad) suppresses nothing.
    """

    def __init__(self, plant: Plant, live: LiveValues) -> None:
        self._plant = plant
        self._live = live
        self._expressions: dict[str, Expression] = {}
        self._alarms: dict[str, set[str]] = {}
        self._text_of: dict[str, str] = {}
        self._watched: dict[str, set[str]] = {}
        self._on: dict[str, bool] = {}
        self._of_link: dict[str, set[str]] = {}
        self._link_of: dict[str, str] = {}
        self._down: set[str] = set()

    def add(self, alarm: Alarm) -> None:
        """Watch the expression of an alarm, where it has one, and the link of its signal."""
        if alarm.kind == STALE and alarm.signal in self._plant.signals:
            connection = self._plant.signals[alarm.signal].connection
            self._of_link.setdefault(connection, set()).add(alarm.id)
            self._link_of[alarm.id] = connection
        if alarm.kind == LINK_DOWN and alarm.active:
            self._down.add(link_of(alarm))
        if not alarm.setting.suppress_when:
            return
        text = alarm.setting.suppress_when.replace("{equipment}", alarm.equipment)
        new = text not in self._expressions
        if new:
            try:
                self._expressions[text] = parse_expression(text)
            except PlantError:
                return  # of an alarm that only a plug-in has; the others are checked when loading
            for name in self._expressions[text].names:
                self._watched.setdefault(name, set()).add(text)
        self._alarms.setdefault(text, set()).add(alarm.id)
        self._text_of[alarm.id] = text
        if new and self._evaluate(text):
            self._on[text] = True

    def holds(self, name: str) -> bool:
        """Whether an alarm is to be suppressed now."""
        return self._link_of.get(name) in self._down or self._on.get(
            self._text_of.get(name, ""), False
        )

    def link(self, connection: str, *, down: bool) -> set[str]:
        """Note that a link is down or up again; return the alarms that are its consequence."""
        (self._down.add if down else self._down.discard)(connection)
        return self._of_link.get(connection, set())

    def changed(self, batch: Sequence[Sample]) -> Iterator[set[str]]:
        """Yield the alarms of each expression that became true or false with these samples."""
        if not self._watched or not batch:
            return
        texts: set[str] = set()
        for signal in self._watched.keys() & {sample.signal for sample in batch}:
            texts |= self._watched[signal]
        for text in sorted(texts):
            on = self._evaluate(text)
            if self._on.get(text) is not on:
                self._on[text] = on
                yield self._alarms[text]

    def _evaluate(self, text: str) -> bool:
        expression = self._expressions[text]
        values: dict[str, Scalar] = {name: self._live.value(name) for name in expression.names}
        try:
            return expression.evaluate(values) is True
        except PlantError:
            return False
