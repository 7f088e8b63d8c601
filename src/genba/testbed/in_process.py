"""The plant without a network: a driver that reads and writes a simulation directly."""

from collections.abc import Callable, Sequence

from genba.plant import (
    US,
    BrowseEntry,
    Clock,
    Health,
    Link,
    Plant,
    Quality,
    Sample,
    Scalar,
    Signal,
    SignalKind,
)
from genba.testbed.board import Change
from genba.testbed.simulation import PlantSimulation

Sink = Callable[[Sequence[Sample]], None]


class InProcessDriver:
    """Satisfies the protocol of ``genba.connect.Driver`` in front of a simulation.

    One per connection, or one for all signals. The owner of the simulation advances it and then
    calls :meth:`pump` of any of the drivers, or ``simulation.deliver()``: all get their changes.
    """

    def __init__(
        self, simulation: PlantSimulation, clock: Clock, signals: Sequence[Signal]
    ) -> None:
        self._simulation = simulation
        self._clock = clock
        self._signals = {signal.id: signal for signal in signals}
        self._sinks: dict[str, Sink] = {}
        self._last: dict[str, tuple[int, Scalar]] = {}
        self._aging: list[tuple[str, int]] = []
        self._sequence = 0
        self._received = 0
        self._last_received: int | None = None
        self._link = Link.CONNECTING
        self._since = clock.now()

    async def connect(self) -> None:
        """Open the link; a simulation is always there."""
        self._turn(Link.UP)

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        """Deliver present values at once, and every change at each :meth:`pump`."""
        if not self._sinks:
            self._simulation.listen(self._take)
        now = self._simulation.now
        present: list[Change] = []
        for signal in signals:
            self._sinks[signal.id] = sink
            if signal.kind is SignalKind.MEASUREMENT:
                self._aging.append((signal.id, int(signal.freshness_s * US / 2)))
            value = self._simulation.value(signal.id)
            if value is not None and signal.kind is not SignalKind.EVENT:
                present.append((signal.id, now, value))
        self._take(present)

    def pump(self) -> None:
        """Deliver what has changed since the last time, to all drivers of the simulation."""
        self._simulation.deliver()

    async def read(self, signals: Sequence[Signal]) -> list[Sample]:
        """Read present values from the device."""
        now = self._simulation.now
        return [self._sample(s.id, now, self._simulation.value(s.id)) for s in signals]

    async def write(self, signal: Signal, value: Scalar) -> None:
        """Hand a value to the device; it acts on it at the next second."""
        self._simulation.write(signal.id, value)

    async def browse(self) -> list[BrowseEntry]:
        """List what the device offers."""
        return [
            BrowseEntry(
                address=s.address,
                name=s.id,
                path=f"{s.equipment}/{s.id}",
                type=s.type.value,
                writable=s.writable,
                unit=s.unit,
                low=s.range.low if s.range else None,
                high=s.range.high if s.range else None,
                value=self._simulation.value(s.id),
            )
            for s in self._signals.values()
        ]

    async def history(self, signal: Signal, start: int, end: int) -> list[Sample]:
        """Fetch what the device itself recorded in ``[start, end)``, oldest first."""
        record = self._simulation.history(signal.id, start, end)
        return [self._sample(signal.id, when, value) for when, value in record]

    def health(self) -> Health:
        """How the link does."""
        return Health(self._link, self._since, self._last_received, self._received)

    async def close(self) -> None:
        """End the link. Safe to call twice, and before connecting."""
        self._simulation.unlisten(self._take)
        self._sinks.clear()
        self._aging.clear()
        self._turn(Link.CLOSED)

    def _take(self, changes: Sequence[Change]) -> None:
        batches: dict[Sink, list[Sample]] = {}
        sinks = self._sinks
        for full, when, value in changes:
            sink = sinks.get(full)
            if sink is not None:
                self._last[full] = (when, value)
                batches.setdefault(sink, []).append(self._sample(full, when, value))
        # A measurement is as old as its source time: one that stands still is said again.
        now = self._simulation.now
        for full, patience in self._aging:
            last = self._last.get(full)
            if last is not None and now - last[0] >= patience:
                self._last[full] = (now, last[1])
                batches.setdefault(sinks[full], []).append(self._sample(full, now, last[1]))
        for sink, samples in batches.items():
            self._received += len(samples)
            self._last_received = self._clock.now()
            sink(samples)

    def _sample(self, signal: str, when: int, value: Scalar) -> Sample:
        self._sequence += 1
        quality = Quality.GOOD if value is not None else Quality.BAD
        return Sample(signal, when, self._clock.now(), value, quality, self._sequence)

    def _turn(self, link: Link) -> None:
        if link is not self._link:
            self._link = link
            self._since = self._clock.now()


def drivers_of(
    simulation: PlantSimulation, plant: Plant, clock: Clock
) -> dict[str, InProcessDriver]:
    """Return a driver for each connection of a plant, all before one simulation."""
    return {
        connection.id: InProcessDriver(
            simulation,
            clock,
            [signal for signal in plant.signals.values() if signal.connection == connection.id],
        )
        for connection in plant.connections
    }
