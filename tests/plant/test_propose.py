# ruff: noqa: E501 - a table of what was found reads better in rows
"""What a device shows becomes a plant file that loads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genba.errors import PlantError
from genba.plant import BrowseEntry, Connection, Plant, SignalKind
from genba.plant.load import examine_text
from genba.plant.propose import propose

SERVER = Connection(id="server", driver="opcua", url="opc.tcp://h:4840", options={"insecure": True})


def proposed(*entries: BrowseEntry) -> tuple[str, Plant]:
    text = propose(SERVER, entries, "works")
    examined = examine_text(text)
    assert examined.plant is not None, [str(p) for p in examined.problems]
    assert examined.errors == ()
    return text, examined.plant


def test_folders_become_equipment_and_variables_signals() -> None:
    text, plant = proposed(
        BrowseEntry("ns=2;s=P", "Press 1", "Hall/Press 1"),
        BrowseEntry("ns=2;s=T", "MeltTemperature", "Hall/Press 1/MeltTemperature", "float", unit="°C", low=0, high=300),
        BrowseEntry("ns=2;s=Z", "Temperature", "Hall/Press 1/Zone 2/Temperature", "float", unit="Cel"),
        BrowseEntry("ns=2;s=S", "Speed", "Hall/Press 1/Speed", "float", writable=True, unit="rpm"),
        BrowseEntry("ns=2;s=St", "State", "Hall/Press 2/State", "int"),
        BrowseEntry("ns=2;s=G", "GoodCount", "Hall/Press 2/GoodCount", "int"),
        BrowseEntry("ns=2;s=L", "Läuft", "Hall/Press 2/Läuft", "bool"),
        BrowseEntry("i=2256", "ServerStatus", "Server/ServerStatus", "json"),
    )  # fmt: skip
    assert plant.id == "works"
    assert [e.id for e in plant.equipment] == ["press-1", "press-2"]
    melt = plant.signals["press-1.melt_temperature"]
    assert (melt.unit, melt.range and melt.range.high) == ("Cel", 300)
    assert "press-1.zone_2_temperature" in plant.signals
    assert plant.signals["press-1.speed"].kind is SignalKind.SETPOINT
    assert plant.signals["press-1.speed"].unit == "/min"
    assert plant.signals["press-2.good_count"].kind is SignalKind.COUNTER
    assert plant.signals["press-2.state"].kind is SignalKind.STATE
    assert plant.signals["press-2.lauft"].address == "ns=2;s=L"
    assert "role: good_count (?)" in text
    assert "the device says 'rpm'" in text


def test_variables_without_folders_become_one_piece_of_equipment() -> None:
    _, plant = proposed(BrowseEntry("ns=1;s=a", "A", "A", "float"))
    assert list(plant.signals) == ["server.a"]


def test_same_names_are_told_apart() -> None:
    _, plant = proposed(
        BrowseEntry("ns=1;s=1", "Value", "M/Value", "float"),
        BrowseEntry("ns=1;s=2", "value", "M/value", "float"),
    )
    assert list(plant.signals) == ["m.value", "m.value_2"]


def test_a_device_that_shows_nothing_is_told() -> None:
    with pytest.raises(PlantError, match="shows nothing that can be a signal"):
        propose(SERVER, [BrowseEntry("ns=1;s=f", "F", "F")])


NAMES = st.text(min_size=1, max_size=12)
ENTRIES = st.builds(
    lambda address, folder, name, kind, writable, unit, low, high: BrowseEntry(
        address, name, f"{folder}/{name}", kind, writable, unit, low, high
    ),
    NAMES,
    NAMES,
    NAMES,
    st.sampled_from(["bool", "int", "float", "string", "json"]),
    st.booleans(),
    st.none() | NAMES,
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.floats(-1e6, 1e6),
)


@given(st.lists(ENTRIES, max_size=6))
@settings(max_examples=200, deadline=None)
def test_whatever_a_device_calls_its_things_the_file_loads(entries: list[BrowseEntry]) -> None:
    entries.append(BrowseEntry("ns=1;s=x", "x", "x", "float"))
    proposed(*entries)
