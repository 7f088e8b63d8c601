"""A kilowatt hour costs what the tariff says for the local hours in which it is used."""

from pathlib import Path

import pytest

from genba.plant import US, KwhPrice, load_plant, parse_time

BY_HOUR = ", ".join(str(0.1 + 0.01 * hour) for hour in range(24))
PLANT = f"""\
genba: 1
id: works
timezone: {{zone}}
tariffs:
  - {{{{id: gas, carrier: gas, price_per_kwh: [{", ".join(["0.05"] * 24)}],
     carbon_g_per_kwh: [{", ".join(["200"] * 24)}]}}}}
  - {{{{id: grid, price_per_kwh: [{BY_HOUR}], carbon_g_per_kwh: [{", ".join(["200"] * 24)}]}}}}
"""


def price(folder: Path, zone: str = "Europe/Lisbon") -> KwhPrice:
    path = folder / "plant.yaml"
    path.write_text(PLANT.format(zone=zone))
    found = KwhPrice.of(load_plant(path))
    assert found is not None
    return found


def test_hours_are_those_of_the_plants_zone_in_winter_and_in_summer(tmp_path: Path) -> None:
    lisbon = price(tmp_path)
    assert lisbon.at(parse_time("2026-01-05T06:30:00Z")) == pytest.approx(0.16)
    assert lisbon.at(parse_time("2026-07-06T06:30:00Z")) == pytest.approx(0.17)
    # An hour of Kathmandu begins at a quarter of an hour UTC.
    kathmandu = price(tmp_path, "Asia/Kathmandu")
    assert kathmandu.at(parse_time("2026-01-05T06:14:00Z")) == pytest.approx(0.21)
    assert kathmandu.at(parse_time("2026-01-05T06:16:00Z")) == pytest.approx(0.22)


def test_a_stretch_costs_the_mean_of_its_hours(tmp_path: Path) -> None:
    lisbon, start = price(tmp_path), parse_time("2026-01-05T06:45:00Z")
    quarter, half, two_hours, none = lisbon.means(start, [900.0, 1800.0, 7200.0, 0.0])
    assert quarter == pytest.approx(0.16)
    assert half == pytest.approx(0.165)
    assert two_hours == pytest.approx((0.25 * 0.16 + 0.17 + 0.75 * 0.18) / 2)
    assert none == pytest.approx(0.16)
    second_by_second = sum(lisbon.at(start + s * US) for s in range(5000)) / 5000
    assert lisbon.means(start, [5000.0])[0] == pytest.approx(second_by_second, rel=1e-9)


def test_a_plant_without_a_tariff_has_no_price(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("genba: 1\nid: works\n")
    assert KwhPrice.of(load_plant(path)) is None
