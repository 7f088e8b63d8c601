"""Uplinks: what the plant records is passed on to a hub, none of it lost while the hub is away."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from genba.connect.backoff import LIVE_AGAIN_S, Backoff
from genba.connect.credentials import load as load_credentials
from genba.connect.driver import DriverContext
from genba.connect.ending import end_task
from genba.connect.mqtt import MqttOptions
from genba.connect.options import read_options
from genba.connect.sparkplug_edge import EdgeAddress, SparkplugEdge
from genba.connect.sparkplug_payload import DataType, Metric
from genba.errors import DeviceError, GenbaError, StateError
from genba.historian import Historian
from genba.historian.lasting import last_stored
from genba.historian.since import Place, Stored, stored_since
from genba.operate.sense import LiveValues
from genba.operate.state import StateFolder, write_atomically
from genba.plant import US, Clock, Connection, Plant, Quality, Sample, Scalar, Signal, Uplink
from genba.plant import DataType as PlantType

logger = logging.getLogger(__name__)

_PERIOD_S = 0.5
"""How often it is looked for news, in seconds of the wall clock."""
_LOOK_S = 1.0
_SLACK_US = 2_000
"""Store times are rounded up, so that the newest may lie this far ahead."""
_PER_MESSAGE = 200
_TYPES = {
    PlantType.BOOL: DataType.BOOLEAN,
    PlantType.INT: DataType.INT64,
    PlantType.FLOAT: DataType.DOUBLE,
    PlantType.STRING: DataType.STRING,
    PlantType.JSON: DataType.STRING,
}


class UplinkOptions(MqttOptions):
    """Options of an uplink."""

    most_samples_s: Annotated[int, Field(ge=1)] = 2000
    """Most samples in a second of the wall clock while a backlog is sent."""
    rewind_s: Annotated[float, Field(ge=0)] = 30.0
    """How far back is sent again when the primary host or the broker went, in plant seconds: what
    the broker had taken and the host had not yet, when nobody had noticed that it was gone."""


class UplinkPump:
    """Sends what was stored, from where it last was confirmed, as one Sparkplug edge node.

    The historian is the buffer: nothing is kept twice, and what was recorded while the hub was
    away (or this program was not running) is sent when it is back, oldest first and marked as
    historical. Each sample arrives at least once; a hub knows a repeated one by its metric,
    timestamp and value.
    """

    def __init__(
        self,
        uplink: Uplink,
        plant: Plant,
        historian: Historian,
        live: LiveValues,
        clock: Clock,
        state: StateFolder,
        credentials: Path,
    ) -> None:
        self.id = uplink.id
        self._clock = clock
        self._historian = historian
        self._live = live
        self._file = state.root / "uplinks" / f"{quote(uplink.id, safe='')}.json"
        self._signals = {
            signal.id: signal
            for signal in plant.signals.values()
            if any(fnmatchcase(signal.id, pattern) for pattern in uplink.signals)
        }
        self._aliases = {name: number for number, name in enumerate(sorted(self._signals), 1)}
        self._life, self._confirmed = self._load()
        self._born_at = 0
        self._born: dict[str, Sample] = {}
        """What the last birth or value sent live said, by signal."""
        connection = Connection(
            id=uplink.id,
            driver="uplink",
            url=uplink.url,
            credentials=uplink.credentials,
            options=uplink.options,
        )
        self._options = read_options(connection, UplinkOptions)
        login = load_credentials(uplink.credentials, credentials)
        self._edge = SparkplugEdge(
            DriverContext(connection, (), clock, state.pki, login),
            EdgeAddress(uplink.group, uplink.node, uplink.host),
            self._options,
            self._birth,
            self._next_life,
        )
        self._known: dict[str, Sample] = {}
        self._sent = 0
        self._behind = 0
        self._error = ""
        self._away_since: float | None = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect and to send."""
        self._task = asyncio.create_task(self._run(), name=f"uplink {self.id}")

    async def stop(self) -> None:
        """Say good-bye; what was not confirmed is sent after the next start."""
        task, self._task = self._task, None
        await end_task(task)
        await self._edge.close()

    def health(self) -> dict[str, Any]:
        """How the uplink does, for people and outside systems."""
        return {
            "link": "up" if self._edge.alive else "down",
            "away_s": self._away_s(),
            "sent": self._sent,
            "confirmed_through": self._confirmed.time,
            "behind_s": max(0, self._clock.now() - self._confirmed.time) / US,
            "births": self._edge.births,
            "refused_commands": self._edge.refused,
            "error": self._error or self._edge.error,
        }

    def _away_s(self) -> float:
        """Wall seconds since the hub was seen to be away, 0 while it is there."""
        if self._edge.alive:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = time.monotonic()
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    # -- sending ------------------------------------------------------------------------------

    async def _run(self) -> None:
        backoff = Backoff(self.id, most_s=LIVE_AGAIN_S)
        connected, lives, looked_up = False, 0, False
        while True:
            try:
                self._follow_clock()
                if not looked_up:
                    await asyncio.to_thread(self._look_up)
                    looked_up = True
                if not connected:
                    await self._edge.connect()
                    connected = True
                await self._until_born()
                if lives and self._edge.lives != lives:
                    self._rewind()
                lives = self._edge.lives
                await self._send_all(lives)
                self._error = ""
            except GenbaError as error:
                if self._error != str(error):
                    logger.warning("uplink '%s': %s", self.id, error)
                self._error = str(error)
            except Exception as error:  # an uplink that dies loses nothing, but must go on
                logger.exception("uplink '%s' failed", self.id)
                self._error = f"unexpected {type(error).__name__}: {error}"
            await asyncio.sleep(backoff.next_s())

    async def _until_born(self) -> None:
        """Wait for the hub, and see to it that nothing is passed over when the clock goes back."""
        while not self._edge.alive:
            self._follow_clock()
            self._away_s()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._edge.born()
        self._away_s()
        self._follow_clock()

    def _follow_clock(self) -> None:
        """Go back with a clock that was set back, also between two runs: so do store times."""
        now = self._clock.now()
        if now < self._confirmed.time - _SLACK_US:
            logger.warning("uplink '%s': the clock was set back; it goes on from there", self.id)
            self._keep(Place(max(0, now - US)))

    def _look_up(self) -> None:
        """Take up what an earlier run stored last: that is what a birth tells until news come."""
        now = self._clock.now()
        found = last_stored(self._historian, self._signals.values(), now)
        self._known = {sample.signal: sample for sample in found}

    async def _send_all(self, life: int) -> None:
        """Send while this life lasts: the backlog first, then what comes."""
        most = max(1, min(5_000, self._options.most_samples_s))
        while self._edge.lives == life and self._edge.alive:
            self._follow_clock()
            found, after = await asyncio.to_thread(
                stored_since, self._historian, self._signals.values(), self._confirmed, most
            )
            self._error = ""
            if found:
                await self._send(found)
                await self._edge.confirm()
                self._sent += len(found)
                await asyncio.to_thread(self._keep, after)
            if len(found) == most:
                await asyncio.sleep(most / self._options.most_samples_s)
            else:
                await asyncio.sleep(_PERIOD_S)

    async def _send(self, found: Sequence[Stored]) -> None:
        metrics = []
        for sample, stored in found:
            known = self._born.get(sample.signal)
            if known is not None and _said(known) == _said(sample):
                continue  # the birth, or the sample before, said so
            late = stored < self._born_at or (known is not None and _order(sample) < _order(known))
            if not late:
                self._born[sample.signal] = sample
            metrics.append(self._metric(self._signals[sample.signal], sample, historical=late))
        for begin in range(0, len(metrics), _PER_MESSAGE):
            await self._edge.send(metrics[begin : begin + _PER_MESSAGE])

    def _birth(self) -> list[Metric]:
        """All signals by name and alias, with what they hold now."""
        metrics = []
        self._born_at = self._clock.now()
        for name, signal in sorted(self._signals.items()):
            sample = self._live.get(name) or self._known.get(name)
            if sample is None:
                metric = Metric(datatype=_TYPES[signal.type], is_null=True)
            else:
                self._born[name] = sample
                metric = self._metric(signal, sample)
            metrics.append(
                Metric(
                    name,
                    self._aliases[name],
                    metric.timestamp_ms,
                    _TYPES[signal.type],
                    is_null=metric.is_null,
                    quality=metric.quality,
                    micros=metric.micros,
                    raw=metric.raw,
                )
            )
        return metrics

    def _metric(self, signal: Signal, sample: Sample, *, historical: bool = False) -> Metric:
        value, quality = _sendable(signal, sample)
        return Metric(
            alias=self._aliases[signal.id],
            timestamp_ms=sample.source_time // 1000,
            datatype=_TYPES[signal.type],
            historical=historical,
            is_null=value is None,
            quality=quality,
            micros=sample.source_time % 1000,
            raw=value,
        )

    # -- what is on disk ----------------------------------------------------------------------

    def _load(self) -> tuple[int, Place]:
        """Read where an earlier run came to; a new uplink begins now."""
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            return int(found["life"]), Place(int(found["time"]), int(found["passed"]))
        except FileNotFoundError:
            return -1, Place(self._clock.now())
        except (ValueError, KeyError, TypeError):
            raise StateError(
                f"{self._file} is damaged; remove it to let uplink '{self.id}' begin anew from now"
            ) from None

    def _keep(self, place: Place) -> None:
        self._confirmed = place
        data = {"life": self._life, "time": place.time, "passed": place.passed}
        self._file.parent.mkdir(exist_ok=True)
        write_atomically(self._file, json.dumps(data) + "\n")

    def _next_life(self) -> int:
        self._life = (self._life + 1) % 256
        self._keep(self._confirmed)
        return self._life

    def _rewind(self) -> None:
        """Go back to what surely arrived before the hub was lost."""
        back = round(self._options.rewind_s * US)
        self._confirmed = Place(max(0, self._confirmed.time - back))


def _said(sample: Sample) -> tuple[int, Scalar, int]:
    return sample.source_time, sample.value, sample.quality


def _order(sample: Sample) -> tuple[int, int]:
    """What came before what: several changes may bear one time of the device's clock."""
    return sample.source_time, sample.sequence


def _sendable(signal: Signal, sample: Sample) -> tuple[Scalar, Quality]:
    """Return a value that its Sparkplug type can hold; none of bad quality where there is no way.

    64 bits are the most that a whole number may have.
    """
    value = sample.value
    if signal.type is PlantType.INT and isinstance(value, int) and not -(2**63) <= value < 2**63:
        return None, Quality.BAD
    if signal.type is PlantType.FLOAT and isinstance(value, int):
        value = float(value)
    return value, Quality(sample.quality)


class Uplinks:
    """All uplinks of a plant. One that fails holds up neither the others nor the plant."""

    def __init__(
        self,
        plant: Plant,
        historian: Historian,
        live: LiveValues,
        clock: Clock,
        state: StateFolder,
        credentials: Path | None,
    ) -> None:
        file = credentials or state.secrets / "credentials.yaml"
        self._pumps = [
            UplinkPump(uplink, plant, historian, live, clock, state, file)
            for uplink in plant.uplinks
        ]

    def start(self) -> None:
        """Begin with all of them."""
        for pump in self._pumps:
            pump.start()

    async def stop(self) -> None:
        """End all of them."""
        for pump in self._pumps:
            with contextlib.suppress(DeviceError, TimeoutError):
                async with asyncio.timeout(10):
                    await pump.stop()

    def health(self) -> Mapping[str, dict[str, Any]]:
        """How each uplink does."""
        return {pump.id: pump.health() for pump in self._pumps}
