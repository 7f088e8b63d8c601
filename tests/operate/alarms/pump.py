"""A pump with two alarms, its judges and a clock: the alarm system as the loop drives it."""

from collections.abc import Mapping
from typing import Any

from genba.operate.alarms import Alarms
from genba.operate.judge import LimitJudge, Sight
from genba.operate.sense import LiveValues
from genba.plant import (
    US,
    AlarmRule,
    Connection,
    DataType,
    Equipment,
    Limits,
    Plant,
    Quality,
    Role,
    Sample,
    Signal,
    SignalKind,
)

PUMP, OFF, LIMIT = "pump-1", 2, 1.0


def plant(*rules: AlarmRule) -> Plant:
    """The pump: pressure with a low limit, heat with two high ones."""
    common: dict[str, Any] = {"equipment": PUMP, "connection": "plc", "address": "x"}
    signals = (
        Signal(
            id=f"{PUMP}.state", kind=SignalKind.STATE, type=DataType.INT, role=Role.STATE, **common
        ),
        Signal(id=f"{PUMP}.pressure", unit="bar", limits=Limits(low=LIMIT), **common),
        Signal(id=f"{PUMP}.heat", unit="Cel", limits=Limits(high=80.0, high_high=120.0), **common),
    )
    return Plant(
        id="works",
        connections=(Connection(id="plc", driver="opcua", url="opc.tcp://x"),),
        equipment=(Equipment(id=PUMP, signals=signals),),
        alarms=rules or RULES,
    )


RULES = (
    AlarmRule(
        signal="*.pressure",
        kind="limit_low",
        severity="major",
        respond_within_s=120,
        response="Open the valve.",
        on_delay_s=5,
        off_delay_s=3,
        deadband=0.5,
        latch=True,
        suppress_when="{equipment}.state == 2",
    ),
)


class Desk:
    """Feeds samples and time to the alarm system, and keeps its journal."""

    def __init__(self, made: Plant | None = None) -> None:
        self.plant = made or plant()
        self.now = 1_000_000 * US
        self.rows: list[Mapping[str, Any]] = []
        self.events: list[Mapping[str, Any]] = []
        self.live = LiveValues()
        self._annunciated = 0
        self._begin()
        self.alarms.restore([], self.now)

    def _begin(self) -> None:
        self.judge = LimitJudge(self.plant)
        self.alarms = Alarms(self.plant, self.live, self._tell)

    def _tell(self, table: str, row: Mapping[str, Any]) -> None:
        (self.rows if table == "alarms" else self.events).append(row)

    def see(self, signal: str, value: Any, quality: int = Quality.GOOD) -> None:
        """One tick, a second later, with one sample."""
        self.now += US
        sample = Sample(signal, self.now, self.now, value, quality)
        self._tick([sample])

    def wait(self, seconds: float) -> None:
        """One tick after some time."""
        self.now += round(seconds * US)
        self._tick([])

    def _tick(self, batch: list[Sample]) -> None:
        self.live.update(batch)
        self.alarms.suppress(self.now, batch)
        self.alarms.take(list(self.judge.judge(Sight(self.now, batch, self.live))), self.now)
        self.alarms.tick(self.now)

    def restart(self) -> None:
        """Start again with an empty memory and the journal, and no value yet."""
        self._annunciated = self.annunciated()
        heard = self.live
        self.live = LiveValues()
        self._begin()
        self.alarms.restore(self.newest(), self.now)
        self.live.update(list(heard.snapshot().values()))

    def transitions(self) -> list[Mapping[str, Any]]:
        """The journal without the marks of starts."""
        return [row for row in self.rows if row["alarm"]]

    def newest(self) -> list[Mapping[str, Any]]:
        """The newest row of each alarm."""
        return list({row["alarm"]: row for row in self.rows}.values())

    def annunciated(self) -> int:
        """How often an alarm annunciated, over all restarts."""
        return self._annunciated + self.alarms.annunciated.total()
