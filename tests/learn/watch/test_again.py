"""Newer rows of a model's own kind: the same columns, categories, classes and target."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from genba.errors import LearnError
from genba.learn import Card, by_time, from_table, read_release, train
from genba.learn.forecast.ahead import ahead
from genba.learn.forecast.ladder import forecast_ladder
from genba.learn.quality.ladder import quality_ladder
from genba.learn.registry.store import read_arrays
from genba.learn.watch.again import fitting, from_file
from genba.learn.watch.kept import FILE, Reference


def parts(seed: int, rows: int = 600, colors: tuple[str, ...] = ("blue", "red")) -> pa.Table:
    random = np.random.default_rng(seed)
    heat = random.normal(size=rows)
    bad = heat + random.normal(0, 0.4, rows) > 0.7
    kind = np.where(bad, "scrap", np.where(heat < -1, "rework", "fine"))
    return pa.table({"heat": heat, "color": random.choice(colors, rows), "kind": kind})


@pytest.fixture(scope="module")
def card() -> Card:
    data = from_table(parts(0), target="kind", release="a.csv sha256:00")
    return train(data, by_time(data), quality_ladder(data.target)).card


def test_categories_keep_their_numbers_and_strangers_are_unknown(card: Card) -> None:
    table = parts(1, colors=("amber", "blue", "red"))
    found = fitting(card, from_table(table, target="kind"))
    assert found.columns == card.columns
    numbers = dict(zip(table["color"].to_pylist(), found.column("color").tolist(), strict=True))
    assert numbers["blue"] == 0.0
    assert numbers["red"] == 1.0
    assert np.isnan(numbers["amber"])


def test_columns_come_in_the_order_of_the_model_and_a_missing_one_is_named(card: Card) -> None:
    table = parts(1).select(["color", "kind", "heat"])
    assert fitting(card, from_table(table, target="kind")).names == ("heat", "color")
    with pytest.raises(LearnError, match="has no column 'color'"):
        fitting(card, from_table(table.drop_columns("color"), target="kind"))


def test_classes_are_those_of_the_card_even_where_one_is_missing(
    card: Card, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    table = parts(2)
    table = table.filter(pa.array([kind != "fine" for kind in table["kind"].to_pylist()]))
    csv.write_csv(table, file)
    found = from_file(card, file)
    assert found.target is not None
    assert found.target.classes == ("fine", "rework", "scrap")
    assert set(found.target.values.tolist()) == {1.0, 2.0}
    strange = table.set_column(2, "kind", pa.array(["melted"] * table.num_rows))
    csv.write_csv(strange, file)
    with pytest.raises(LearnError, match="holds melted, which the model does not know"):
        from_file(card, file)


def test_a_value_that_was_looked_for_is_looked_for_again(card: Card, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    csv.write_csv(parts(2), file)
    lineage = {**card.lineage, "steps": ["bad is 'scrap'"]}
    target = {"name": "kind", "unit": "1", "classes": ["good", "bad"]}
    found = from_file(replace(card, lineage=lineage, target=target), file)
    assert found.target is not None
    wanted = [float(kind == "scrap") for kind in parts(2)["kind"].to_pylist()]
    assert found.target.values.tolist() == wanted


def test_a_forecast_gets_its_own_past_and_the_next_value(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 900
    load = np.sin(np.arange(rows) / 20) * 4 + random.normal(0, 0.3, rows)
    file = tmp_path / "load.csv"
    csv.write_csv(pa.table({"load": load, "heat": load * 0.3 + random.normal(size=rows)}), file)
    data = ahead(read_release(file, target="load"))
    made = train(data, by_time(data), forecast_ladder(data, steps=1))
    newer = tmp_path / "newer.csv"
    csv.write_csv(pa.table({"load": load[::-1], "heat": random.normal(size=rows)}), newer)
    found = from_file(made.card, newer)
    assert found.target is not None
    np.testing.assert_allclose(found.target.values[:-1], load[::-1][1:])
    reference = Reference.from_arrays(read_arrays(made.files[FILE]))
    assert reference.quality is not None
    assert reference.quality.get("mae") is not None


def test_the_same_data_keep_the_same_reference() -> None:
    data = from_table(parts(0), target="kind")
    first, second = (train(data, by_time(data), quality_ladder(data.target)) for _ in range(2))
    assert first.files[FILE] == second.files[FILE]
    kept = Reference.from_arrays(read_arrays(first.files[FILE]))
    assert kept.columns is not None
    assert kept.columns.rows == 600
    assert kept.answers is not None
    assert kept.quality is not None
    again = {name: array.tolist() for name, array in kept.arrays().items()}
    told = {name: array.tolist() for name, array in read_arrays(first.files[FILE]).items()}
    assert str(sorted(again.items())) == str(sorted(told.items()))
