"""What is on the line at the start, put into the kernel's tables: lots, jobs, trips."""

import math

from genba.errors import TwinError
from genba.twin.records import (
    BRINGS,
    CARRIED,
    CREW,
    DOWN,
    FETCHES,
    OUTAGE,
    RUN,
    Records,
    Tables,
)
from genba.twin.state import LotPhase, LotState, MachineNow, State, VehicleNow
from genba.twin.tables import Names


def location(names: Names, place: str, whose: str) -> int:
    """Return the index of a location."""
    if place not in names.places:
        raise TwinError(f"{whose} is at '{place}', which is no location of the line")
    return names.places[place]


def place_all(tables: Tables, names: Names, state: State) -> None:
    """Put lots to their stations, machines and vehicles."""
    index_of = {lot.id: index for index, lot in enumerate(state.lots)}
    working = {lot: m for m in state.machines for lot in m.lots}
    moving = {v.lot: v for v in state.vehicles if v.lot is not None}
    for name in (*working, *moving):
        if name not in index_of:
            raise TwinError(f"a machine or vehicle has lot '{name}', which the state does not name")
    for index, lot in enumerate(state.lots):
        if lot.id in working:
            _check_phase(lot, LotPhase.IN_WORK, working[lot.id].id)
        elif lot.id in moving:
            _check_phase(lot, LotPhase.MOVING, moving[lot.id].id)
        elif lot.phase in {LotPhase.IN_WORK, LotPhase.MOVING}:
            raise TwinError(f"lot {lot.id} is {lot.phase}, but no machine or vehicle has it")
        elif lot.phase is LotPhase.WAITING and lot.place is not None:
            place = location(names, lot.place, f"lot {lot.id}")
            tables.lots[index]["place"] = place
            if place < len(tables.machines):
                tables.machines[place]["load"] += 1
    for machine in state.machines:
        _start_work(tables, names, machine, [index_of[lot] for lot in machine.lots])
    for vehicle in state.vehicles:
        if vehicle.lot is not None:
            lot = state.lots[index_of[vehicle.lot]]
            _start_trip(tables, names, vehicle, lot, index_of[vehicle.lot])


def _check_phase(lot: LotState, phase: LotPhase, where: str) -> None:
    if lot.phase is not phase:
        raise TwinError(f"lot {lot.id} is at {where} and should be {phase}, but is {lot.phase}")


def _start_work(tables: Tables, names: Names, now: MachineNow, lots: list[int]) -> None:
    index = names.machines[now.id]
    machine = tables.machines[index]
    machine["segment"] = -1.0
    for number, lot in enumerate(lots):
        record = tables.lots[lot]
        record["place"] = index
        record["next"] = lots[number + 1] if number + 1 < len(lots) else -1
        machine["parts"] += record["parts"]
    machine["load"] += len(lots)
    if lots:
        machine["job"] = lots[0]
        op = tables.ops[tables.lots[lots[0]]["op"]]
        found = [
            way for way in range(op["ways_from"], op["ways_to"])
            if tables.ways[way]["machine"] == index
        ]  # fmt: skip
        if not found:
            raise TwinError(f"{now.id} works on {now.lots[0]}, whose step it cannot do")
        way = tables.ways[found[0]]
        machine["way"], machine["kw"] = found[0], way["kw"]
        machine["through"] = op["batch"] > 0
        machine["work"] = math.nan if now.run_left_s is None else now.run_left_s
        machine["skill"] = way["skill"]
        for tool in range(way["tools_from"], way["tools_to"]):
            tables.stock["free"][tables.tools[tool]["index"]] -= 1
        if now.setup_left_s is None:
            machine["phase"], machine["segment"] = RUN, now.run_done_s
            machine["family"] = way["family"] if way["family"] >= 0 else machine["family"]
            left = 0.0 if now.run_left_s is None else now.run_left_s
            machine["free_at"] = left
        else:
            machine["phase"], machine["left"] = CREW, now.setup_left_s
            machine["work"] = math.nan if now.run_left_s is None else now.run_left_s
    if now.down:
        _take_down(machine, now)


def _take_down(machine: Records, now: MachineNow) -> None:
    """Let a machine begin as broken down; its job goes on afterwards."""
    if now.down_left_s is not None:
        machine["phase"], machine["left"] = OUTAGE, now.down_left_s
        return
    if machine["stops_from"] == machine["stops_to"]:
        raise TwinError(
            f"{now.id} is down, and the line does not say how long that takes there; calibrate it, "
            "or tell `down_left_s`"
        )
    machine["phase"], machine["stop"] = DOWN, machine["stops_from"]
    machine["left"] = math.nan


def _start_trip(tables: Tables, names: Names, now: VehicleNow, lot: LotState, index: int) -> None:
    vehicle, record = tables.vehicles[names.vehicles[now.id]], tables.lots[index]
    if now.heading is None:
        raise TwinError(f"vehicle {now.id} has lot {lot.id}, but no heading; tell where it goes")
    record["heading"] = location(names, now.heading, now.id)
    vehicle["lot"] = index
    if record["heading"] < len(tables.machines):
        tables.machines[record["heading"]]["load"] += 1
    if now.carries:
        record["phase"], vehicle["phase"] = CARRIED, BRINGS
        record["place"] = vehicle["at"]
        return
    vehicle["phase"] = FETCHES
    if lot.place is None:  # the source
        record["place"] = len(tables.machines)
    else:
        record["place"] = location(names, lot.place, f"lot {lot.id}")
    vehicle["at"] = record["place"]
    if record["place"] < len(tables.machines):
        tables.machines[record["place"]]["load"] += 1
