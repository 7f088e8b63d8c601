"""Events, operations, lots and decisions: rows in, rows out, and samples by what was made."""

import pytest
from tests.historian.conftest import START, series, times

from genba.errors import HistorianError
from genba.historian import RECORDS, Historian
from genba.plant import US


def operation(name: str, equipment: str, start: int, end: int, lot: str) -> dict[str, object]:
    return {
        "id": name,
        "time": START + end * US,
        "lot": lot,
        "order": lot.rsplit("-", 1)[0],
        "product": "wrist",
        "operation": "milling",
        "equipment": equipment,
        "start": START + start * US,
        "end": START + end * US,
        "quantity": 12,
        "good": 11,
        "scrap": 1,
        "rework": 0,
        "energy_kwh": 3.25,
    }


@pytest.mark.parametrize("committed", [False, True], ids=["spooled", "committed"])
@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_table_keeps_its_columns(historian: Historian, name: str, committed: bool) -> None:
    schema = RECORDS[name].schema
    of_type = {"string": "x", "bool": True}
    row = {field.name: of_type.get(str(field.type), 7) for field in schema}
    historian.append_rows(name, [{**row, "time": START}])
    if committed:
        historian.commit()
    found = historian.rows(name, START, START + 1)
    assert found.schema == schema
    assert times(found, "time") == [START]
    read = found.drop_columns([f.name for f in schema if "timestamp" in str(f.type)]).to_pylist()
    assert read == [{name: value for name, value in row.items() if name in read[0]}]


def test_records_come_in_the_order_of_time_then_of_acknowledgement(historian: Historian) -> None:
    historian.append_rows("events", [{"id": i, "time": START, "text": i} for i in "cab"])
    historian.commit()
    historian.append_rows("events", [{"id": i, "time": START, "text": i} for i in "zy"])
    historian.append_rows("events", [{"id": "first", "time": START - 1}])
    assert historian.rows("events")["id"].to_pylist() == ["first", *"cabzy"]


def test_records_are_chosen_by_period_and_columns(historian: Historian) -> None:
    for n in range(6):
        lot = f"O-1-0{n % 2}"
        historian.append_rows("lots", [{"id": f"l{n}", "time": START + n * US, "lot": lot}])
        if n == 3:
            historian.commit()
    found = historian.rows("lots", START + US, START + 5 * US, lot="O-1-01")
    assert found["id"].to_pylist() == ["l1", "l3"]
    assert historian.rows("lots", lot=None).num_rows == 0
    assert historian.rows("lots", lot="it's").num_rows == 0


def test_samples_of_an_operation_are_those_of_its_machine_and_time(historian: Historian) -> None:
    for signal in ("mill-1.power", "mill-1.state", "mill-10.power", "climate.temperature"):
        historian.append(series(signal, range(20)))
    historian.commit()
    historian.append_rows("operations", [operation("op-1", "mill-1", 5, 8, "O-1-01")])
    found = historian.of_operation("op-1")
    assert found["signal"].to_pylist() == ["mill-1.power"] * 3 + ["mill-1.state"] * 3
    assert found["value"].to_pylist() == [5, 6, 7] * 2
    assert set(found["lot"].to_pylist()) == {"O-1-01"}
    chosen = historian.of_operation("op-1", ["power", "climate.temperature"])
    assert set(chosen["signal"].to_pylist()) == {"mill-1.power", "climate.temperature"}


def test_samples_of_a_lot_follow_it_from_machine_to_machine(historian: Historian) -> None:
    for signal in ("mill-1.power", "grinder.power"):
        historian.append(series(signal, range(100)))
    historian.append_rows(
        "operations",
        [
            operation("op-1", "mill-1", 10, 12, "O-1-01"),
            operation("op-2", "grinder", 50, 53, "O-1-01"),
            operation("op-3", "grinder", 60, 63, "O-1-02"),
        ],
    )
    found = historian.of_lot("O-1-01", ["power"])
    assert found["operation"].to_pylist() == ["op-1"] * 2 + ["op-2"] * 3
    assert found["value"].to_pylist() == [10, 11, 50, 51, 52]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "e", "time": START, "colour": "red"}], "has no column 'colour'"),
        ([{"id": "e"}], "'time' of table 'events' must not be empty"),
        ([{"time": START}], "'id' of table 'events' must not be empty"),
        ([{"id": "e", "time": "noon"}], "'time' of table 'events' takes timestamp"),
        ([{"id": "e", "time": START, "data": {"a": 1}}], "'data' of table 'events' takes string"),
    ],
)
def test_records_that_do_not_fit_are_refused_whole(
    historian: Historian, rows: list[dict[str, object]], said: str
) -> None:
    with pytest.raises(HistorianError, match=said):
        historian.append_rows("events", [{"id": "good", "time": START}, *rows])
    assert historian.rows("events").num_rows == 0


def test_bad_questions_get_one_clear_error(historian: Historian) -> None:
    with pytest.raises(HistorianError, match="no table 'wishes'; it has alarms, decisions"):
        historian.rows("wishes", START, START + 1)
    with pytest.raises(HistorianError, match="no table 'samples'"):
        historian.append_rows("samples", [])
    with pytest.raises(HistorianError, match="has no column 'colour'"):
        historian.rows("events", colour="red")
    with pytest.raises(HistorianError, match="column 'equipment' of table 'events' is no 5"):
        historian.rows("events", equipment=5)
    with pytest.raises(HistorianError, match="before it begins"):
        historian.rows("events", START, START - 1)
    with pytest.raises(HistorianError, match="knows no operation 'op-9'"):
        historian.of_operation("op-9")
    with pytest.raises(HistorianError, match="no ended operation of lot 'O-9-01'"):
        historian.of_lot("O-9-01")
