"""An order list is read as people write it; what is wrong with a row is said, the rest goes on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plan.line import HOUR, NOW, PLANT

from genba.errors import PlanError
from genba.plan.demand.orders import COLUMNS, OrderList, read_orders
from genba.plant import parse_time

HEADER = "id,product,quantity,release,due,weight,customer"
LISBON = PLANT.model_copy(update={"timezone": "America/New_York"})


def read(folder: Path, text: str | bytes, plant=PLANT) -> OrderList:
    path = folder / "orders.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_orders(path, plant, NOW)


def test_a_full_row_becomes_an_order(tmp_path: Path) -> None:
    found = read(
        tmp_path, f"{HEADER}\nO-1,A,40,2026-01-05T07:00:00Z,2026-01-06T14:00:00Z,2.5,Ekman\n"
    )
    (order,) = found.orders
    assert (order.id, order.product, order.quantity, order.weight) == ("O-1", "A", 40, 2.5)
    assert (order.release, order.customer) == (NOW + HOUR, "Ekman")
    assert order.due == parse_time("2026-01-06T14:00:00Z")
    assert found.left_out == found.remarks == ()


def test_only_id_product_quantity_and_due_are_needed_in_any_order(tmp_path: Path) -> None:
    (order,) = read(tmp_path, "Due, ID ,quantity,product\n2026-01-06T14:00Z,O-1,4,B\n").orders
    assert (order.release, order.weight, order.customer) == (NOW, 1.0, "")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(
    tmp_path: Path, separator: str, encoding: str, end: str
) -> None:
    rows = [
        ("customer", "id", "product", "quantity", "due"),
        (f'"Müller{separator} ""Söhne"" KG"', "O-1", "A", "4", "2026-01-06T14:00Z"),
    ]
    text = end.join(separator.join(row) for row in rows) + end * 3
    (order,) = read(tmp_path, text.encode(encoding)).orders
    assert order.customer == f'Müller{separator} "Söhne" KG'


def test_a_decimal_comma_is_a_decimal_comma(tmp_path: Path) -> None:
    (order,) = read(
        tmp_path, "id;product;quantity;due;weight\nO-1;A;4;2026-01-06T14:00Z;1,5\n"
    ).orders
    assert order.weight == 1.5


def test_a_quoted_field_may_run_over_lines_and_lines_are_still_counted(tmp_path: Path) -> None:
    text = (
        "id,product,quantity,due,customer\n"
        'O-1,A,4,2026-01-06T14:00Z,"Delta\nMotion"\n'
        "O-2,A,none,2026-01-06T14:00Z,\n"
    )
    found = read(tmp_path, text)
    assert found.orders[0].customer == "Delta\nMotion"
    assert "line 4, column quantity" in found.left_out[0].reason


def test_times_without_a_zone_are_local_and_days_are_whole(tmp_path: Path) -> None:
    text = (
        "id,product,quantity,release,due\n"
        "O-1,A,4,2026-01-06,2026-01-07\n"
        "O-2,A,4,2026-01-06 08:30,2026-01-07T12:00:00+01:00\n"
    )
    first, second = read(tmp_path, text, LISBON).orders
    assert first.release == parse_time("2026-01-06T05:00:00Z")
    assert first.due == parse_time("2026-01-08T05:00:00Z")
    assert second.release == parse_time("2026-01-06T13:30:00Z")
    assert second.due == parse_time("2026-01-07T11:00:00Z")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",A,4,2026-01-06", "line 2, column id: there is nothing; give the order an id"),
        ("O 1,A,4,2026-01-06", "column id: 'O 1' cannot be an id; use letters"),
        ("O-1,a,4,2026-01-06", "the plant makes no 'a'; choose one of A, B, C, or add it"),
        ('O-1,"A\nB",4,2026-01-06', "column product: the plant makes no 'A B'"),
        ("O-1,,4,2026-01-06", "column product: there is nothing; write the id of a product"),
        ("O-1,A,0,2026-01-06", "column quantity: '0' is no number of parts; write a whole number"),
        ("O-1,A,-3,2026-01-06", "column quantity: '-3' is no number of parts"),
        ("O-1,A,4.5,2026-01-06", "column quantity: '4.5' is no number of parts"),
        ("O-1,A,,2026-01-06", "column quantity: there is nothing"),
        ("O-1,A,4,", "column due: there is nothing; write a time like 2026-01-05T14:00"),
        ("O-1,A,4,06/01/2026", "column due: '06/01/2026' is no time; write it like"),
        ("O-1,A,4,2026-02-30", "column due: '2026-02-30' is no time"),
        ("O-1,A,4,2026-01-06,nan", "column weight: 'nan' is no weight; write a number above 0"),
        ("O-1,A,4,2026-01-06,-1", "column weight: '-1' is no weight"),
        ("O-1,A,4,2026-01-06,1,2", "6 fields where the header names 5 columns"),
        ('O-1,A,4,2026-01-06,"1', "a quoted field does not end; close it"),
        ('O-1,"A"x,4,2026-01-06,1', "it cannot be read as CSV"),
        ("O-1,X,0,2026-01-06", "column product: the plant makes no 'X'"),
    ],
)
def test_a_wrong_row_is_one_line_and_the_others_are_planned(
    tmp_path: Path, row: str, said: str
) -> None:
    text = f"id,product,quantity,due,weight\n{row}\nO-9,B,4,2026-01-06,1\n"
    found = read(tmp_path, text)
    (wrong,) = found.left_out
    assert [order.id for order in found.orders] == ["O-9"]
    assert wrong.reason.startswith("orders.csv, line 2, ")
    assert said in wrong.reason
    assert "\n" not in wrong.reason


def test_everything_that_is_wrong_with_a_row_is_said_at_once(tmp_path: Path) -> None:
    found = read(tmp_path, "id,product,quantity,due\nO-1,X,0,soon\n")
    assert found.left_out[0].id == "O-1"
    for column in ("product", "quantity", "due"):
        assert f"column {column}: " in found.left_out[0].reason


def test_an_id_that_stands_twice_counts_the_first_time(tmp_path: Path) -> None:
    found = read(tmp_path, "id,product,quantity,due\nO-1,A,4,2026-01-06\nO-1,B,4,2026-01-06\n")
    assert [order.product for order in found.orders] == ["A"]
    assert found.left_out[0].reason == (
        "orders.csv, line 3, column id: 'O-1' stands on line 2 already; rename one"
    )


def test_a_due_date_in_the_past_is_planned_and_remarked_upon(tmp_path: Path) -> None:
    text = (
        "id,product,quantity,release,due\n"
        "O-1,A,4,,2026-01-04T12:00Z\n"
        "O-2,A,4,2026-01-08T12:00Z,2026-01-07T12:00Z\n"
    )
    found = read(tmp_path, text)
    assert [order.id for order in found.orders] == ["O-1", "O-2"]
    assert found.remarks == (
        "orders.csv, line 2: order O-1 is due 2026-01-04T12:00:00Z, which is past; "
        "it is planned, and will be late",
        "orders.csv, line 3: order O-2 is due 2026-01-07T12:00:00Z, not after its release at "
        "2026-01-08T12:00:00Z; it will be late",
    )


def test_columns_that_mean_nothing_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, "id,product,quantity,due,colour\nO-1,A,4,2026-01-06,red\n")
    assert found.remarks == ("orders.csv: not used: column colour",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; write a line with id,product,quantity,due"),
        ("\n\n  \n", "is empty"),
        (f"{HEADER}\n", "names columns, but no order"),
        (f"{HEADER}\n,,,,,,\n", "names columns, but no order"),
        ("id,product,menge,due\n", "there is no column quantity (it has: menge)"),
        ("id,id,product,quantity,due\n", "column id stands twice"),
        ("sep=;\nid;product\n", "the line 'sep=;' is Excel's own; take it out"),
        (b"id,product,quantity,due\nO-1,A,4,2026-01-06\nM\xfcller", "line 3: not UTF-8 text"),
        (b"PK\x03\x04\x00\x00", "is no text file"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(PlanError) as told:
        read(tmp_path, text)
    assert said in str(told.value)
    assert "orders.csv" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"none\.csv cannot be read: No such file"):
        read_orders(tmp_path / "none.csv", PLANT, NOW)
    with pytest.raises(PlanError, match="Is a directory"):
        read_orders(tmp_path, PLANT, NOW)


@given(st.text(max_size=300))
def test_any_text_gives_orders_or_reasons_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    rows = f"{','.join(COLUMNS)}\nO-1,A,4,2026-01-06,,,\n{text.replace(chr(0), '')}"
    found = read(folder, rows)
    assert [order.id for order in found.orders[:1]] == ["O-1"]
    for wrong in found.left_out:
        assert wrong.reason.startswith("orders.csv, line ")
        assert len(wrong.reason.splitlines()) == 1
