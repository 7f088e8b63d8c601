"""What is on the line at one moment: lots, machines, vehicles. And that as JSON, both ways.

A running plant fills it from its live signals, the twin itself from a future that it has simulated
so far; either can be simulated on from. Moments in microseconds UTC, times in seconds.
"""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from genba.errors import TwinError
from genba.plant import US, Order
from genba.twin.line import Line

VERSION = 1
"""Of the JSON form."""


class LotPhase(StrEnum):
    """What happens to a lot."""

    AHEAD = "ahead"
    """Released only later."""
    WAITING = "waiting"
    IN_WORK = "in_work"
    MOVING = "moving"
    """On a vehicle, or one was told to fetch it."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class LotState:
    """One lot of an order."""

    id: str
    product: str
    quantity: int
    """Parts that are still good."""
    due: int
    order: str = ""
    weight: float = 1.0
    release: int = 0
    step: int = 0
    """Index of the operation that it needs next, or is in; the routing's length when complete."""
    place: str | None = None
    """Station where it stands or is worked on; None: the source. Of one that moves: where the
    vehicle fetches it, or the vehicle that carries it."""
    phase: LotPhase = LotPhase.WAITING
    since: int = 0


@dataclass(frozen=True, slots=True)
class MachineNow:
    """One machine. A machine that is not told of is up, empty and set up for nothing."""

    id: str
    family: str | None = None
    lots: tuple[str, ...] = ()
    """What it works on, or is being set up for."""
    setup_left_s: float | None = None
    """Working time of the set-up that is left; None: it is set up."""
    run_left_s: float | None = None
    """Run time that is left; None: not known, and drawn anew less ``run_done_s``."""
    run_done_s: float = 0.0
    """Run time that this job has had."""
    down: bool = False
    down_left_s: float | None = None
    """When it is down, how long it will be; None: not known, and drawn."""
    ages_s: tuple[float, ...] = ()
    """Running time since the last stop, of each of the machine's stoppages; missing: 0."""


@dataclass(frozen=True, slots=True)
class VehicleNow:
    """One vehicle. A vehicle that is not told of stands free at its home."""

    id: str
    at: str | None = None
    """Location where it stands, that it leaves, or that it comes to for ``lot``."""
    lot: str | None = None
    heading: str | None = None
    """Station that the lot is taken to."""
    carries: bool = False
    """Whether the lot is on it."""
    left_s: float = 0.0
    """Time until the lot is picked up, or set down; of one that is away, until it is back."""
    idle_s: float = 0.0
    """How long a free one has stood idle; after a while it drives home."""
    away: bool = False
    """Down or charging."""
    ages_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class State:
    """The line at ``time``. Lots in the order of their ids; ids are unique."""

    time: int
    lots: tuple[LotState, ...] = ()
    machines: tuple[MachineNow, ...] = ()
    vehicles: tuple[VehicleNow, ...] = ()

    def __post_init__(self) -> None:
        for kind, ids in (
            ("lot", [lot.id for lot in self.lots]),
            ("machine", [machine.id for machine in self.machines]),
            ("vehicle", [vehicle.id for vehicle in self.vehicles]),
        ):
            if len(set(ids)) < len(ids):
                twice = next(i for i in ids if ids.count(i) > 1)
                raise TwinError(f"{kind} {twice} stands twice in the state; name it once")

    @cached_property
    def lots_by_id(self) -> dict[str, LotState]:
        """All lots by id."""
        return {lot.id: lot for lot in self.lots}


def state_of_orders(
    line: Line, orders: Iterable[Order], time: int, lot_factor: float = 1.0
) -> State:
    """Return an empty line at ``time`` to which orders are released.

    Orders are split into lots of nearly equal size, of at most ``lot_factor`` times the product's
    lot size.

    Raises
    ------
    TwinError
        If an order is for a product that the line does not make.
    """
    lots = []
    for order in orders:
        product = line.products_by_id.get(order.product)
        if product is None:
            raise TwinError(
                f"order {order.id} is for '{order.product}', which the line does not make; "
                "correct the order or add the product"
            )
        most = max(1, round(product.lot_size * lot_factor))
        count = -(-order.quantity // most)
        base, more = divmod(order.quantity, count)
        lots += [
            LotState(
                id=f"{order.id}-{number + 1:02d}",
                product=order.product,
                quantity=base + (number < more),
                due=order.due,
                order=order.id,
                weight=order.weight,
                release=order.release,
                phase=LotPhase.AHEAD if order.release > time else LotPhase.WAITING,
                since=min(order.release, time),
            )
            for number in range(count)
        ]
    return State(time, tuple(lots))


def snapshot(state: State) -> bytes:
    """Write a state as JSON."""
    document = {"genba_twin_state": VERSION, **dataclasses.asdict(state)}
    return json.dumps(document, separators=(",", ":")).encode()


def restore(data: bytes) -> State:
    """Read what :func:`snapshot` wrote.

    Raises
    ------
    TwinError
        If it is not such a document.
    """
    try:
        document: Any = json.loads(data)
        version = document.pop("genba_twin_state")
        if version != VERSION:
            raise TwinError(f"the state is of version {version}; this Genba reads {VERSION}")
        return State(
            time=int(document["time"]),
            lots=tuple(
                LotState(**{**lot, "phase": LotPhase(lot["phase"])}) for lot in document["lots"]
            ),
            machines=tuple(
                MachineNow(**{**m, "lots": tuple(m["lots"]), "ages_s": tuple(m["ages_s"])})
                for m in document["machines"]
            ),
            vehicles=tuple(
                VehicleNow(**{**v, "ages_s": tuple(v["ages_s"])}) for v in document["vehicles"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TwinError(
            f"this is not a twin's state ({error}); write one with genba.twin.snapshot"
        ) from None


def seconds_since(time: int, zero: int) -> float:
    """Turn a moment into seconds from another one."""
    return (time - zero) / US
