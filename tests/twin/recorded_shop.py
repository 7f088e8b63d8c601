"""A small shop whose truth is known, and what its devices would have said of two days of it.

Two mills of a kind (one a tenth slower than planned), a vehicle between store and dock. Everything
is drawn with a seed, so that a calibration can be held against the numbers that it should find.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from genba.historian import Historian
from genba.historian.schema import RECORDS, SAMPLES
from genba.plant import (
    US,
    Alternative,
    DataType,
    Equipment,
    Layout,
    Node,
    Operation,
    Order,
    PackMLMode,
    PackMLState,
    Plant,
    Product,
    Role,
    Sample,
    SetupTime,
    Signal,
    SignalKind,
    Vehicle,
    parse_time,
)
from genba.twin.distribution import constant
from genba.twin.line import Line, Machine, Step, Travel, Way
from genba.twin.line import Product as LineProduct
from genba.twin.line import Vehicle as LineVehicle

START = parse_time("2026-01-05T06:00:00Z")
DAYS = 2
END = START + DAYS * 86_400 * US
CYCLE_S, SETUP_S = 60.0, 600.0
FACTORS = {"mill-1": 1.0, "mill-2": 1.1}
SIGMA = 0.05
SCRAP = 0.04
RUN_KW, IDLE_KW = 5.0, 1.0
BETWEEN_S, REPAIR_S = 4 * 3600.0, 900.0
LEG_S = 50.0
STOCK = 1000
"""Parts that wait in the store all the time."""

_TEXT = {Role.LOTS, Role.STATION, Role.VEHICLE_NODE, Role.VEHICLE_ORDER_ID, Role.VEHICLE_LOADS}
_OF_MACHINE = (
    Role.STATE, Role.MODE, Role.LOTS, Role.STATION, Role.GOOD_COUNT, Role.SCRAP_COUNT, Role.ENERGY,
)  # fmt: skip
_OF_VEHICLE = (
    Role.VEHICLE_NODE, Role.VEHICLE_ORDER_ID, Role.VEHICLE_NODES_LEFT, Role.VEHICLE_ACTIONS,
    Role.VEHICLE_LOADS, Role.VEHICLE_ERRORS,
)  # fmt: skip


def _unit(name: str, kind: str, roles: Sequence[Role]) -> Equipment:
    return Equipment(
        id=name,
        kind=kind,
        signals=tuple(
            Signal(
                id=f"{name}.{role.value}", equipment=name, connection="c", address=role.value,
                kind=SignalKind.STATE, type=DataType.STRING if role in _TEXT else DataType.FLOAT,
                role=role,
            )
            for role in roles
        ),
    )  # fmt: skip


def plant(orders: Sequence[Order] = ()) -> Plant:
    ways = tuple(
        Alternative(equipment=m, cycle_s=CYCLE_S, setup_family="a") for m in ("mill-1", "mill-2")
    )
    return Plant(
        id="shop",
        equipment=(
            *(_unit(m, "mill", _OF_MACHINE) for m in ("mill-1", "mill-2")),
            _unit("store", "storage", (Role.STATION,)),
            _unit("dock", "storage", (Role.STATION,)),
            _unit("amr", "vehicle", _OF_VEHICLE),
        ),
        products=(
            Product(id="P", lot_size=20, routing=(Operation(id="mill", alternatives=ways),)),
            Product(id="Q", lot_size=20, routing=(Operation(id="mill", alternatives=ways),)),
        ),
        setup_times=tuple(SetupTime(equipment=m, duration_s=SETUP_S) for m in FACTORS),
        vehicles=(Vehicle(id="amr"),),
        layout=Layout(
            nodes=tuple(
                Node(id=f"n-{s}", x_m=float(i), y_m=0.0, station=s)
                for i, s in enumerate(("store", "mill-1", "mill-2", "dock"))
            )
        ),
        orders=tuple(orders),
    )


def line() -> Line:
    """The shop as planned."""
    locations = ("store", "mill-1", "mill-2", "dock")
    ways = tuple(Way(m, CYCLE_S, family="a") for m in FACTORS)
    planned = tuple(tuple(0.0 if a == b else 40.0 for b in locations) for a in locations)
    return Line(
        id="shop",
        machines=tuple(Machine(m, setups={(None, "a"): SETUP_S}, families=("a",)) for m in FACTORS),
        products=tuple(LineProduct(p, 20, (Step("mill", ways),)) for p in ("P", "Q")),
        vehicles=(LineVehicle("amr", "amr", constant(20.0)),),
        travel=Travel(locations, {"amr": planned}),
        source="store",
        sink="dock",
    )


class Told:
    """What a historian of the shop would hold; answers as one does."""

    def __init__(self) -> None:
        self._samples: list[tuple[str, int, float | None, str | None, int]] = []
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in RECORDS}

    def say(self, signal: str, when: int, value: float | str, quality: int = 0) -> None:
        number, text = (None, value) if isinstance(value, str) else (float(value), None)
        self._samples.append((signal, when, number, text, quality))

    def book(self, table: str, **row: Any) -> None:
        self._rows[table].append(row)

    def keep(self, historian: Historian) -> None:
        """Put all of it into a real historian."""
        samples = [
            Sample(signal, when, when, value if text is None else text, quality, number)
            for number, (signal, when, value, text, quality) in enumerate(self._samples)
        ]
        rows = {
            name: [{"id": f"{name}-{number}", **row} for number, row in enumerate(listed)]
            for name, listed in self._rows.items()
        }
        historian.append_all(samples, rows)

    def samples(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        found = sorted(
            (s for s in self._samples if s[0] in signals and start <= s[1] < end),
            key=lambda s: (s[0], s[1]),
        )
        rows = [
            {
                "signal": name, "source_time": when, "receive_time": when, "store_time": when,
                "sequence": number, "value": value, "text": text, "quality": quality,
            }
            for number, (name, when, value, text, quality) in enumerate(found)
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, schema=SAMPLES.schema)

    def rows(self, name: str, start: int, end: int, **equals: Any) -> pa.Table:
        found = [
            {"id": str(number), "sequence": number, **row}
            for number, row in enumerate(self._rows[name])
            if start <= row["time"] < end and all(row[k] == v for k, v in equals.items())
        ]
        found.sort(key=lambda row: row["time"])
        return pa.Table.from_pylist(found, schema=RECORDS[name].schema)


class Mill:
    """Plays one mill job after job, and says what it does."""

    def __init__(self, told: Told, name: str, seed: int) -> None:
        self.told, self.name = told, name
        self.random = np.random.default_rng([seed, int(name[-1])])
        self.now = START
        self.kwh = 0.0
        self.good = self.scrap = 0
        self.breaks_in_s = self.random.exponential(BETWEEN_S)
        self.breakdowns: list[float] = []
        self.show(PackMLState.IDLE)
        for role, value in ((Role.LOTS, ""), (Role.GOOD_COUNT, 0.0), (Role.SCRAP_COUNT, 0.0)):
            told.say(f"{name}.{role.value}", START, value)
        told.say(f"{name}.energy", START, 0.0)

    def show(self, state: PackMLState, mode: PackMLMode = PackMLMode.PRODUCTION) -> None:
        self.told.say(f"{self.name}.state", self.now, float(state))
        self.told.say(f"{self.name}.mode", self.now, float(mode))

    def spend(self, seconds: float, kw: float) -> None:
        self.now += round(seconds * US)
        self.kwh += kw * round(seconds * US) / US / 3600
        self.told.say(f"{self.name}.energy", self.now, self.kwh)

    def idle(self, seconds: float) -> None:
        self.show(PackMLState.IDLE)
        self.spend(seconds, IDLE_KW)

    def run(self, seconds: float) -> None:
        """Run, with breakdowns by running time."""
        while seconds > self.breaks_in_s:
            self.show(PackMLState.EXECUTE)
            self.spend(self.breaks_in_s, RUN_KW)
            seconds -= self.breaks_in_s
            self.show(PackMLState.ABORTED)
            self.breakdowns.append(self.breaks_in_s)
            self.spend(REPAIR_S * float(np.exp(0.3 * self.random.standard_normal())), 0.0)
            self.breaks_in_s = self.random.exponential(BETWEEN_S)
        self.show(PackMLState.EXECUTE)
        self.spend(seconds, RUN_KW)
        self.breaks_in_s -= seconds

    def job(self, lot: str, product: str, parts: int, *, setup: bool) -> int:
        """Do one lot, book it, and give back how many parts are good."""
        name, begin = self.name, self.now
        self.told.say(f"{name}.lots", self.now, lot)
        if setup:
            self.show(PackMLState.EXECUTE, PackMLMode.SETUP)
            self.spend(SETUP_S * float(np.exp(0.1 * self.random.standard_normal())), IDLE_KW)
        factor = FACTORS[name] * float(np.exp(SIGMA * self.random.standard_normal()))
        self.run(CYCLE_S * parts * factor)
        scrap = int(self.random.binomial(parts, SCRAP))
        self.good, self.scrap = self.good + parts - scrap, self.scrap + scrap
        self.told.say(f"{name}.good_count", self.now, float(self.good))
        self.told.say(f"{name}.scrap_count", self.now, float(self.scrap))
        self.told.say(f"{name}.lots", self.now, "")
        self.told.book(
            "operations", time=self.now, lot=lot, order=lot[:-3], product=product, operation="mill",
            equipment=name, start=begin, end=self.now, planned_setup_s=SETUP_S if setup else 0.0,
            planned_cycle_s=CYCLE_S, quantity=parts, good=parts - scrap, scrap=scrap, rework=0,
        )  # fmt: skip
        return parts - scrap


def two_days(seed: int = 1, parts: int = 20) -> tuple[Plant, Told]:
    """Both mills work on lots of P and Q in turn from the start to the end."""
    told = Told()
    orders = [Order(id="O-stock", product="P", quantity=STOCK, release=START, due=END)]
    told.book(
        "lots", time=START, lot="O-stock-01", order="O-stock", product="P", quantity=STOCK,
        status="released", location="store",
    )  # fmt: skip
    told.say("store.station", START, "O-stock-01")
    for name in FACTORS:
        mill, number = Mill(told, name, seed), 0
        while mill.now < END - 5 * 3600 * US:
            order, product = f"O-{name[-1]}{number:03d}", "PQ"[number % 2]
            lot = f"{order}-01"
            orders.append(
                Order(id=order, product=product, quantity=parts, release=mill.now, due=END)
            )
            told.book(
                "lots", time=mill.now, lot=lot, order=order, product=product, quantity=parts,
                status="released", location="store",
            )  # fmt: skip
            told.say("store.station", mill.now, f"O-stock-01,{lot}")
            mill.idle(120.0)
            good = mill.job(lot, product, parts, setup=number % 3 == 0)
            told.book(
                "lots", time=mill.now + US, lot=lot, order=order, product=product, quantity=good,
                status="finished", location="dock",
            )  # fmt: skip
            number += 1
        mill.idle((END - mill.now) / US - 1.0)
    return plant(orders), told


def drive(told: Told, trips: int, seed: int = 1) -> None:
    """Let the vehicle bring ``trips`` loads from the store to the first mill and come back."""
    random, now = np.random.default_rng([seed, 77]), START
    for role, value in (
        (Role.VEHICLE_NODE, "n-mill-1"), (Role.VEHICLE_ORDER_ID, ""), (Role.VEHICLE_ACTIONS, "[]"),
        (Role.VEHICLE_LOADS, ""), (Role.VEHICLE_ERRORS, 0.0), (Role.VEHICLE_NODES_LEFT, 0.0),
    ):  # fmt: skip
        told.say(f"amr.{role.value}", now, value)
    for number in range(trips):
        now += 60 * US
        told.say("amr.vehicle_order_id", now, f"T-{number}")
        told.say("amr.vehicle_nodes_left", now, 2.0)
        _actions(told, now, "WAITING", "WAITING")
        for node, key, load in (("n-store", "pick", f"L-{number}"), ("n-mill-1", "drop", "")):
            now += round(LEG_S * float(np.exp(0.1 * random.standard_normal())) * US)
            told.say("amr.vehicle_node", now, node)
            _actions(told, now, *(("RUNNING", "WAITING") if key == "pick" else _DROPPING))
            now += 20 * US
            _actions(told, now, *(("FINISHED", "WAITING") if key == "pick" else _DROPPED))
            told.say("amr.vehicle_loads", now, load)
        told.say("amr.vehicle_nodes_left", now, 0.0)


_DROPPING, _DROPPED = ("FINISHED", "RUNNING"), ("FINISHED", "FINISHED")


def _actions(told: Told, when: int, pick: str, drop: str) -> None:
    listed: list[Mapping[str, str]] = [
        {"actionId": kind, "actionType": kind, "actionStatus": status}
        for kind, status in (("pick", pick), ("drop", drop))
    ]
    told.say("amr.vehicle_actions", when, json.dumps(listed))
