"""What a running Genba knows of orders, lots, machines and vehicles, as planning takes it."""

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from genba.cli.client import fetch
from genba.cli.kept_sessions import kept_for
from genba.errors import PlanError

if TYPE_CHECKING:
    from genba.plan import Lot, MachineState, Situation, VehicleState
    from genba.plant import Order, Plant


def why_nobody_answers(url: str, token: str) -> str | None:
    """Say in a few words why the API cannot be asked; None where it can."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=2.0):
            pass
    except (OSError, ValueError):
        return f"no Genba answers at {url}"
    if not token and kept_for(url) is None:
        return f"there is no token for {url}"
    return None


def open_orders(url: str, token: str, plant: "Plant") -> "tuple[list[Order], Situation]":
    """Ask a running Genba for the orders that are not done, and for what goes on.

    Raises
    ------
    PlanError
        If it runs another plant than the plant file says.
    """
    from genba.plant import Order, parse_time

    seen = fetch(url, token, "/situation")
    told = fetch(url, token, "/orders")
    weights = {row["id"]: float(row["weight"]) for row in told}
    orders = [
        Order(
            id=row["id"],
            product=row["product"],
            quantity=row["quantity"],
            release=parse_time(row["release"]),
            due=parse_time(row["due"]),
            weight=row["weight"],
            customer=row["customer"],
        )
        for row in told
        if not row["lots"] or row["lots_done"] < row["lots"]
    ]
    return orders, _situation(seen, plant, weights)


def _situation(seen: dict[str, Any], plant: "Plant", weights: dict[str, float]) -> "Situation":
    from genba.plan import Situation
    from genba.plant import parse_time
    from genba.plant.storages import storages

    strange = [row["product"] for row in seen["lots"] if row["product"] not in plant.products_by_id]
    strange += [row["id"] for row in seen["machines"] if row["id"] not in plant.equipment_by_id]
    if strange:
        raise PlanError(
            f"the running plant has '{strange[0]}', and {plant.id}'s plant file has not; "
            "give the file that it runs with --plant"
        )
    source, sink = storages(plant)
    return Situation(
        time=parse_time(seen["time"]),
        lots=tuple(_lot(row, plant, weights) for row in seen["lots"]),
        machines=tuple(_machine(row) for row in seen["machines"]),
        vehicles=tuple(_vehicle(row) for row in seen["vehicles"]),
        source=source,
        sink=sink,
    )


def _lot(row: dict[str, Any], plant: "Plant", weights: dict[str, float]) -> "Lot":
    from genba.plan import Lot, LotPhase
    from genba.plant import parse_time

    names = [operation.id for operation in plant.products_by_id[row["product"]].routing]
    step = names.index(row["operation"]) if row["operation"] in names else len(names)
    return Lot(
        id=row["id"],
        order=row["order"],
        product=row["product"],
        quantity=row["quantity"],
        step=step,
        place=row["place"],
        phase=LotPhase(row["phase"]),
        due=parse_time(row["due"]),
        weight=weights.get(row["order"], 1.0),
        heading=row["heading"],
    )


def _machine(row: dict[str, Any]) -> "MachineState":
    from genba.plan import MachineState
    from genba.plant import parse_time

    return MachineState(
        id=row["id"],
        state=row["state"],
        mode=row["mode"],
        able=row["able"],
        ready=row["ready"],
        places=row["places"],
        station=tuple(row["station"]),
        work=tuple(row["work"]),
        family=row["family"],
        free_at=parse_time(row["free_at"]),
        down_since=None if row["down_since"] is None else parse_time(row["down_since"]),
    )


def _vehicle(row: dict[str, Any]) -> "VehicleState":
    from genba.plan import VehicleState
    from genba.plant import VehicleKind

    return VehicleState(
        id=row["id"],
        kind=VehicleKind(row["kind"]),
        node=row["node"],
        free=row["free"],
        loads=tuple(row["loads"]),
        battery_pct=row["battery_pct"],
    )
