"""A plant file becomes the line that it describes."""

from pathlib import Path

import pytest

import genba.testbed
from genba.errors import TwinError
from genba.plant import (
    Alternative,
    Edge,
    Equipment,
    Layout,
    Node,
    Operation,
    Plant,
    Product,
    SetupFamily,
    SetupTime,
    Vehicle,
    VehicleKind,
    load_plant,
)
from genba.twin import build_line, futures, state_of_orders
from genba.twin.build import location_near

REFERENCE = Path(genba.testbed.__file__).parent / "reference" / "plant.yaml"


def small_plant(**more: object) -> Plant:
    """Store, saw, lathe, dock in a row of 10 m steps; back only by a detour of 100 m."""
    families = ("fine", "rough")
    routing = tuple(
        Operation(
            id=machine,
            alternatives=(Alternative(equipment=machine, cycle_s=60, setup_family=families[n]),),
        )
        for n, machine in enumerate(("saw", "lathe"))
    )
    fields = {
        "id": "small",
        "equipment": (
            Equipment(id="store", kind="storage"),
            Equipment(id="saw", input_buffer_lots=3, hourly_cost=20.0),
            Equipment(id="lathe"),
            Equipment(id="dock", kind="storage"),
        ),
        "products": (Product(id="A", lot_size=10, routing=routing),),
        "setup_families": tuple(SetupFamily(id=f) for f in families),
        "setup_times": (
            SetupTime(equipment="saw", duration_s=900),
            SetupTime(equipment="lathe", before="fine", after="rough", duration_s=300),
        ),
        "vehicles": (
            Vehicle(id="amr", speed_m_s=2.0, handling_s=15, home="park"),
            Vehicle(id="hoist", kind=VehicleKind.HOIST, speed_m_s=1.0),
        ),
        "layout": Layout(
            nodes=(
                *(
                    Node(id=f"n{n}", x_m=10.0 * n, y_m=0, station=station)
                    for n, station in enumerate(("store", "saw", "lathe", "dock"))
                ),
                Node(id="park", x_m=10, y_m=4),
            ),
            edges=(
                Edge(id="a", start="n0", end="n1", one_way=True),
                Edge(id="b", start="n1", end="n2", one_way=True, max_speed_m_s=1.0),
                Edge(id="c", start="n2", end="n3", one_way=True),
                Edge(id="d", start="n3", end="n0", one_way=True, length_m=100),
                Edge(id="e", start="park", end="n1"),
                Edge(id="f", start="n1", end="n2", kinds=(VehicleKind.HOIST,)),
            ),
        ),
        **more,
    }
    return Plant(**fields)


def test_driving_times_follow_the_ways_their_directions_and_their_speeds() -> None:
    travel = build_line(small_plant()).travel
    at = travel.locations.index
    amr, hoist = travel.times["amr"], travel.times["hoist"]
    assert travel.locations == ("saw", "lathe", "store", "dock", "park")
    assert amr[at("store")][at("saw")] == 5.0
    assert amr[at("saw")][at("lathe")] == 10.0
    assert amr[at("lathe")][at("saw")] == 5.0 + 50.0 + 5.0
    assert amr[at("park")][at("saw")] == 2.0
    assert hoist[at("lathe")][at("saw")] == 10.0
    assert hoist[at("store")][at("saw")] == -1.0


def test_machines_know_places_costs_and_every_changeover() -> None:
    line = build_line(small_plant())
    saw, lathe = line.machines
    assert (saw.places, saw.hourly_cost, lathe.places) == (3, 20.0, None)
    assert saw.setups == {(None, "fine"): 900.0}
    assert lathe.setups == {}
    assert (line.source, line.sink) == ("store", "dock")


def test_without_a_layout_lots_move_in_no_time() -> None:
    line = build_line(small_plant(layout=Layout()))
    assert line.vehicles == ()


def test_a_vehicle_on_its_way_is_at_the_location_that_it_reaches_first() -> None:
    plant = small_plant()
    line = build_line(plant)
    assert location_near(plant, line, "amr", "park") == "park"
    assert location_near(plant, line, "hoist", "n2") == "lathe"
    with pytest.raises(TwinError, match="'train'"):
        location_near(plant, line, "train", "n0")


def test_a_plant_without_products_has_no_line() -> None:
    with pytest.raises(TwinError, match="add products"):
        build_line(small_plant(products=()))


def test_the_reference_plant_delivers_every_order_within_a_week() -> None:
    plant = load_plant(REFERENCE)
    line = build_line(plant)
    start = state_of_orders(line, plant.orders, min(o.release for o in plant.orders))
    found = futures(line, start, 7 * 86_400.0, n=1)
    assert found.lots[0] == len(start.lots)
    assert found.output[0] == sum(order.quantity for order in plant.orders)
    assert found.seconds.sum(axis=2) == pytest.approx(7 * 86_400.0)
