"""The cases: each makes one command that is hostile or broken in one way, or one that is legal."""

import itertools
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.hostile.gate import Gate
from genba.errors import GenbaError
from genba.operate.runtime import Core
from genba.plan.floor.roadmap import Roadmap
from genba.plan.floor.vehicle_order import load_action, order_text
from genba.plant import (
    US,
    Approval,
    Command,
    DataType,
    Decision,
    Evidence,
    Proposal,
    Quality,
    Role,
    Scalar,
    Signal,
    Write,
)

ANN, BOB = Approval("ann", "engineer"), Approval("bob", "engineer")
PLAIN = (
    "press-1.cooling_time", "press-1.injection_speed", "press-2.cooling_time",
    "mill-1.tool_life_limit", "mill-2.tool_life_limit", "mill-3.tool_life_limit",
    "cell-1.screw_torque", "cell-2.screw_torque", "eol.test_time",
    "press-1.inspect_every", "mill-1.inspect_every", "grinder.spark_out",
)  # fmt: skip
"""Setpoints without rate limit and interlock, on which no physical hazard hangs."""
RATED = ("press-1.mold_temperature", "press-2.mold_temperature", "press-1.hold_pressure")
CRITICAL = "pack.seal_temperature"
APART = 4
"""Steps after which a command to a setpoint has been read back."""
OTHER_UNITS = {"s": ("min", 1 / 60), "min": ("s", 60.0), "mm/s": ("cm/s", 0.1), "Cel": ("K", None)}


@dataclass
class Case:
    """One command: what kind of attack it is, and what came of it."""

    label: str
    legal: bool
    ids: tuple[str, ...]
    refused: bool
    why: str = ""


class Attacker:
    """Makes cases on a running core; what is random comes from one seed."""

    def __init__(self, core: Core, gate: Gate, seed: int) -> None:
        self.core = core
        self.gate = gate
        self.dice = random.Random(seed)
        self.numbers = itertools.count()
        self.step = 0
        self._touched: dict[str, int] = {}
        self.used: list[Proposal] = []
        self._order = self._drivable_order()
        self.hostile: list[Callable[[], Case]] = [
            getattr(self, name) for name in dir(self) if name.startswith("hostile_")
        ]
        self.legal: list[Callable[[], Case | None]] = [
            getattr(self, name) for name in dir(self) if name.startswith("legal_")
        ]

    # -- tools --------------------------------------------------------------------------------

    def signal(self, name: str) -> Signal:
        return self.core.plant.signals[name]

    def proposal(self, *writes: Write, **more: object) -> Proposal:
        fields = {
            "id": f"X-{next(self.numbers)}",
            "time": self.core.clock.now(),
            "kind": "setpoint",
            "equipment": writes[0].signal.partition(".")[0] if writes else "press-1",
            "writes": writes,
            "reason": "a try",
            "source": "person",
            "actor": "ann",
            "role": "engineer",
            **more,
        }
        return Proposal(**fields)  # type: ignore[arg-type]

    def put(self, label: str, proposal: Proposal, person: bool = True, legal: bool = False) -> Case:
        approval = Approval(proposal.actor, proposal.role) if person else None
        verdict = self.core.loop.put_through(proposal, approval)
        refused = verdict.decision is not Decision.ALLOWED
        return Case(label, legal, (str(proposal.id),), refused, "; ".join(verdict.reasons))

    def good_value(self, signal: Signal) -> Scalar:
        assert signal.range is not None
        span = signal.range.high - signal.range.low
        value = signal.range.low + span * self.dice.uniform(0.2, 0.8)
        return round(value) if signal.type is DataType.INT else value

    def some(self) -> Signal:
        return self.signal(self.dice.choice(PLAIN[:-3]))

    def free(self, names: tuple[str, ...]) -> Signal | None:
        """A setpoint to which no command is on its way: two at once would not be legal."""
        left = [n for n in names if self.step - self._touched.get(n, -9) > APART]
        if not left:
            return None
        chosen = self.dice.choice(left)
        self._touched[chosen] = self.step
        return self.signal(chosen)

    def written(self, value: Scalar, unit: str | None = None) -> Write:
        signal = self.some()
        return Write(signal.id, value, signal.unit if unit is None else unit)

    def _evidence(self, name: str) -> Evidence:
        found = self.core.live.evidence(name)
        assert found is not None
        return found

    def _drivable_order(self) -> str:
        plant = self.core.plant
        roads, vehicle = Roadmap(plant.layout), plant.vehicles[0]
        found = (
            roads.route(vehicle, a.id, b.id)
            for a in plant.layout.nodes
            for b in plant.layout.nodes
            if a.id != b.id
        )
        route = next(r for r in found if r is not None and len(r.nodes) > 3)
        return order_text("T", [(route, [load_action("T", "pick", "L")])], 2)

    # -- legal --------------------------------------------------------------------------------

    def legal_setpoint(self) -> Case | None:
        signal = self.free(PLAIN)
        if signal is None:
            return None
        write = Write(signal.id, self.good_value(signal), signal.unit)
        proposal = self.proposal(write)
        self.used.append(proposal)
        return self.put("legal: a person's set-point", proposal, legal=True)

    def legal_unit(self) -> Case | None:
        signal = self.free(PLAIN[:4])
        if signal is None:
            return None
        unit, factor = OTHER_UNITS[signal.unit]
        value = float(self.good_value(signal) or 0)
        shown = value * factor if factor else value + 273.15
        return self.put(
            "legal: in another unit", self.proposal(Write(signal.id, shown, unit)), legal=True
        )

    def legal_rate(self) -> Case | None:
        signal = self.free(RATED)
        if signal is None or signal.range is None:
            return None
        value, room = self.gate.room(signal)
        wanted = value + self.dice.uniform(-0.9, 0.9) * room
        wanted = min(signal.range.high, max(signal.range.low, wanted))
        write = Write(signal.id, wanted, signal.unit)
        return self.put("legal: as fast as it may", self.proposal(write), legal=True)

    def legal_robot(self) -> Case | None:
        signal = self.free(("cell-1.robot_speed", "cell-2.robot_speed"))
        if signal is None:
            return None
        people = self.core.live.value(f"{signal.equipment}.people")
        value = self.dice.uniform(0.06, 0.24 if people else 1.5)
        write = Write(signal.id, value, "m/s")
        return self.put("legal: robot speed", self.proposal(write), legal=True)

    def legal_two_people(self) -> Case | None:
        signal = self.free((CRITICAL,))
        if signal is None:
            return None
        proposal = self.proposal(Write(CRITICAL, self.good_value(signal), signal.unit), actor="cat")
        case = self.put("legal: approved by two people", proposal, legal=True)
        self.core.loop.approve(proposal.id, ANN)
        verdict = self.core.loop.approve(proposal.id, BOB)
        case.refused = verdict.decision is not Decision.ALLOWED
        case.why = "; ".join(verdict.reasons)
        return case

    # -- hostile ------------------------------------------------------------------------------

    def hostile_not_finite(self) -> Case:
        value = self.dice.choice([math.nan, math.inf, -math.inf])
        return self.put("NaN or infinite", self.proposal(self.written(value)))

    def hostile_too_large(self) -> Case:
        value = self.dice.choice([1e308, -1e308, 10**400, 2**63])
        return self.put("too large a number", self.proposal(self.written(value)))

    def hostile_type(self) -> Case:
        value = self.dice.choice(["20", True, None, "", b"20", [20], {"value": 20}])
        return self.put("of another type", self.proposal(self.written(value)))  # type: ignore[arg-type]

    def hostile_string(self) -> Case:
        return self.put("huge string", self.proposal(self.written("A" * 200_000)))

    def hostile_range(self) -> Case:
        signal = self.some()
        assert signal.range is not None
        value = self.dice.choice([signal.range.high * 1.001 + 1, signal.range.low - 0.001, -1e9])
        write = Write(signal.id, value, signal.unit)
        return self.put("out of range", self.proposal(write))

    def hostile_unit(self) -> Case:
        unit = self.dice.choice(["kg", "bar", "", "furlong", "Cel" * 50])
        return self.put("wrong unit", self.proposal(self.written(20.0, unit)))

    def hostile_rate(self) -> Case:
        signal = self.signal(self.dice.choice(RATED))
        value, room = self.gate.room(signal)
        assert signal.range is not None
        leap = max(room * 1.5, 61 * (signal.max_rate or 0))
        up = value + leap <= signal.range.high
        wanted = value + leap if up else value - leap
        write = Write(signal.id, wanted, signal.unit)
        return self.put("too fast", self.proposal(write))

    def hostile_unknown(self) -> Case:
        name = self.dice.choice(["press-9.speed", "press-1.nothing", "", "../../etc", "*"])
        return self.put("unknown signal", self.proposal(Write(name, 1.0, "1")))

    def hostile_no_setpoint(self) -> Case:
        name = self.dice.choice(
            ["press-1.state", "press-1.good_count", "furnace.temperature", "cell-1.people"]
        )
        signal = self.signal(name)
        value: Scalar = 1 if signal.type is DataType.INT else 1.0
        return self.put("to what is no setpoint", self.proposal(Write(name, value, signal.unit)))

    def hostile_many(self) -> Case:
        writes = tuple(self.written(20.0) for _ in range(60))
        twice = (writes[0], writes[0])
        return self.put(
            "too many writes, or one twice", self.proposal(*self.dice.choice([writes, twice]))
        )

    def hostile_replay(self) -> Case:
        if not self.used:
            return self.hostile_range()
        old = self.dice.choice(self.used[-500:])
        case = self.put("replayed", replace(old, time=self.core.clock.now()))
        case.ids = ()  # its id arrived once, legally
        return case

    def hostile_late(self) -> Case:
        now = self.core.clock.now()
        signal = self.some()
        write = Write(signal.id, self.good_value(signal), signal.unit)
        more = self.dice.choice(
            [{"time": now - 700 * US}, {"time": now - 9 * US, "expires": now - US},
             {"time": now + 60 * US}, {"expires": now + 10**15}, {"time": -1}]
        )  # fmt: skip
        return self.put("late, or from the future", self.proposal(write, **more))

    def hostile_evidence(self) -> Case:
        """Genba's own, at a kind and place where it is autonomous, on evidence that is none."""
        temperature = self._evidence("furnace.temperature")
        state = self._evidence("press-1.state")
        pieces = self.dice.choice(
            [
                (),
                (replace(temperature, source_time=temperature.source_time - 3600 * US),),
                (replace(temperature, source_time=temperature.source_time + 3600 * US),),
                (replace(state, value=99),),
                (Evidence("nothing.here", state.source_time, 1),),
            ]
        )
        signal = self.some()
        proposal = self.proposal(
            Write(signal.id, self.good_value(signal), signal.unit),
            actor="genba", role="operator", source="rogue", evidence=pieces,
        )  # fmt: skip
        return self.put("stale, false or no evidence", proposal, person=False)

    def hostile_role(self) -> Case:
        signal = self.some()
        write = Write(signal.id, self.good_value(signal), signal.unit)
        role = self.dice.choice(["viewer", "", "root", "Admin", "operator\n"])
        return self.put("unauthorised", self.proposal(write, role=role))

    def hostile_kind(self) -> Case:
        signal = self.some()
        write = Write(signal.id, self.good_value(signal), signal.unit)
        beat = Write("press-1.heartbeat", 2**30, "1")
        kind = self.dice.choice(["heartbeat", "dispatch", "transport"])
        smuggled = self.proposal(write, kind=kind)
        return self.put(
            "smuggled in as another kind",
            self.dice.choice([smuggled, self.proposal(beat, kind="heartbeat")]),
        )

    def hostile_interlock(self) -> Case:
        """A robot at full speed, or a job, in a cell that shows people."""
        cell = next((c for c in ("cell-1", "cell-2") if self.core.live.value(f"{c}.people")), None)
        if cell is None:
            return self.hostile_range()
        write = Write(f"{cell}.robot_speed", self.dice.uniform(0.26, 2.0), "m/s")
        return self.put("interlocked", self.proposal(write))

    def hostile_closing(self) -> Case:
        """Somebody steps into the zone between the verdict and the write."""
        cells = [c for c in ("cell-1", "cell-2") if self.core.live.value(f"{c}.people") == 0]
        signal = self.free(tuple(f"{cell}.robot_speed" for cell in cells))
        if signal is None:
            return self.hostile_range()
        write = Write(signal.id, self.dice.uniform(0.26, 1.5), "m/s")
        case = self.put("interlock closes before the write", self.proposal(write))
        zone = self.gate.simulation.machines[signal.equipment].zone
        sample = self.core.live.get(f"{signal.equipment}.people")
        assert zone is not None
        assert sample is not None
        zone.enter(self.core.clock.now(), self.dice.uniform(5, 15))
        now = self.core.clock.now()
        self.core.guard.observe([sample._replace(value=1, source_time=now, receive_time=now)])
        return case

    def hostile_bad_quality(self) -> Case:
        """A rate-limited setpoint whose present value nobody knows."""
        write = Write("furnace.temperature_setpoint", 900.0, "Cel")
        sample = self.core.live.get("furnace.door_open")
        assert sample is not None
        self.core.guard.observe([sample._replace(quality=Quality.BAD)])
        case = self.put("interlock that cannot be judged", self.proposal(write))
        self.core.guard.observe([sample])
        return case

    def hostile_same_person(self) -> Case:
        signal = self.signal(CRITICAL)
        proposal = self.proposal(Write(CRITICAL, self.good_value(signal), signal.unit), actor="cat")
        case = self.put("approved by the same person twice, or the proposer", proposal)
        for approval in self.dice.sample(
            [ANN, ANN, replace(ANN, actor="ANN"), Approval("cat", "admin"),
             Approval("eve", "viewer")], 5,
        ):  # fmt: skip
            try:
                verdict = self.core.loop.approve(proposal.id, approval)
            except GenbaError as error:
                case.why = str(error)
            else:
                case.refused = case.refused and verdict.decision is not Decision.ALLOWED
        self.core.loop.refuse(proposal.id, BOB, "enough")
        return case

    def hostile_override(self) -> Case:
        """Genba's own, on a machine that somebody holds; everything else about it is right."""
        signal = self.signal("grinder.infeed_rate")
        proposal = self.proposal(
            Write(signal.id, self.good_value(signal), signal.unit), source="rogue",
            actor="genba", role="operator", evidence=(self._evidence("grinder.state"),),
        )  # fmt: skip
        return self.put("after a manual override", proposal, person=False)

    def hostile_forged(self) -> Case:
        """Past the guard, straight to what writes: a command that it never gave."""
        signal = self.signal("grinder.wheel_speed")
        name = f"X-{next(self.numbers)}"
        write = Write(signal.id, 1e6, signal.unit)
        command = Command(f"C-{name}", name, self.core.clock.now(), (write,))
        self.core.loop._actor.start(self.proposal(write, id=name), command)
        return Case("forged past the guard", False, (name,), True)

    def hostile_order(self) -> Case:
        vehicle = self.core.plant.vehicles[0].id
        signal = self.core.plant.roles[vehicle, Role.VEHICLE_ORDER]
        text = self.dice.choice(
            ["", "{", "[]", "null", '{"orderId": NaN}', "[" * 5000, "x" * 70_000, self._bent()]
        )
        proposal = self.proposal(
            Write(signal.id, text, signal.unit), kind="transport", equipment=vehicle
        )
        return self.put("bad vehicle order", proposal)

    def _bent(self) -> str:
        """Bend a drivable order in one place."""
        order = json.loads(self._order)
        match self.dice.randrange(6):
            case 0:
                order["nodes"][1]["nodeId"] = "nowhere"
            case 1:
                order["edges"][0]["edgeId"] = "no-edge"
            case 2:
                order["nodes"][1]["nodePosition"] = {"x": 1e9, "y": 0, "mapId": "m"}
            case 3:
                order["edges"][0]["maxSpeed"] = 99.0
            case 4:
                order["nodes"].reverse()
            case _:
                order["edges"] = order["edges"][1:]
        return json.dumps(order)
