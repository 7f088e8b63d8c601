"""``twin/calibration.json`` in the state folder: what a calibration found, and how to use it again.

The file holds measured values, not the line: that is built from the plant file each time, and the
values are laid onto it, so that a machine that was added since keeps its plan until it is measured.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from genba.errors import TwinError
from genba.plant import format_time, parse_time
from genba.twin.calibrate import Calibrated
from genba.twin.demand import Demand
from genba.twin.distribution import Distribution, Shape
from genba.twin.fit import Fit, Goodness
from genba.twin.line import Line, Machine, Power, Stop, Stoppage, Travel, Vehicle, Way
from genba.twin.parameter import Basis, Parameter
from genba.twin.rules import FAMILY_WINDOW_S
from genba.twin.whole_file import write_whole

FORMAT = 1
_JSON = dict[str, Any]


def save(calibrated: Calibrated, path: Path) -> None:
    """Write a calibration; the folder is made, and a crash leaves the old file or the new one.

    Raises
    ------
    TwinError
        If the file cannot be written.
    """
    write_whole(path, json.dumps(_encode(calibrated), indent=1, allow_nan=False))


def load(path: Path, line: Line) -> Calibrated:
    """Read a calibration and lay it onto a line built from the plant file.

    Raises
    ------
    TwinError
        If the file is not there, damaged, of another line, or of a newer Genba.
    """
    try:
        found: _JSON = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] > FORMAT:
            raise TwinError(
                f"{path} was written by Genba {found['version']}; upgrade, or calibrate anew"
            )
        if found["line"] != line.id:
            raise TwinError(
                f"{path} belongs to plant '{found['line']}', not '{line.id}'; calibrate anew"
            )
        return _decode(found, line)
    except FileNotFoundError:
        raise TwinError(
            f"there is no calibration at {path}; make one with `genba twin calibrate`"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TwinError(f"{path} is damaged; make it anew with `genba twin calibrate`") from None


# -- out ------------------------------------------------------------------------------------------


def _encode(calibrated: Calibrated) -> _JSON:
    line = calibrated.line
    return {
        "format": FORMAT,
        "version": calibrated.version,
        "line": line.id,
        "from": format_time(calibrated.start),
        "to": format_time(calibrated.end),
        "seed": calibrated.seed,
        "counts": {str(basis): count for basis, count in calibrated.counts().items()},
        "machines": {
            m.id: {
                "setup_factor": _distribution(m.setup_factor),
                "stoppages": [_stoppage(s) for s in m.stoppages],
                "power": {name: getattr(m.power, name) for name in Power.__slots__},
            }
            for m in line.machines
        },
        "ways": {
            "/".join(key): {
                "factor": _distribution(way.factor),
                "part_cv": way.part_cv,
                "overhead_s": _distribution(way.overhead_s),
                "scrap": way.scrap,
                "run_kw": way.run_kw,
            }
            for key, way in line.ways.items()
        },
        "vehicles": {
            v.id: {
                "handling_s": _distribution(v.handling_s),
                "stoppages": [_stoppage(s) for s in v.stoppages],
            }
            for v in line.vehicles
        },
        "travel": {
            "locations": list(line.travel.locations),
            "times": {v: [list(row) for row in rows] for v, rows in line.travel.times.items()},
            "factor": _distribution(line.travel.factor),
        },
        "family_window_s": calibrated.family_window_s,
        "demand": _demand(calibrated.demand),
        "parameters": [_parameter(p) for p in calibrated.fits],
    }


def _distribution(found: Distribution) -> _JSON:
    plain: _JSON = {"shape": str(found.shape)}
    if found.shape is Shape.EMPIRICAL:
        return plain | {"quantiles": list(found.quantiles)}
    return plain | {"a": found.a, "b": found.b}


def _stoppage(found: Stoppage) -> _JSON:
    return {
        "every_s": _distribution(found.every_s),
        "duration_s": _distribution(found.duration_s),
        "kind": str(found.kind),
        "skill": found.skill,
        "spoils": found.spoils,
    }


def _demand(found: Demand) -> _JSON:
    return {
        "rush_per_day": found.rush_per_day,
        "products": dict(found.products),
        "quantity": _distribution(found.quantity),
        "lead_s": _distribution(found.lead_s),
        "weight": found.weight,
        "late": found.late,
        "late_s": _distribution(found.late_s),
    }


def _parameter(found: Parameter) -> _JSON:
    plain: _JSON = {
        "thing": found.thing,
        "name": found.name,
        "unit": found.unit,
        "basis": str(found.basis),
        "planned": _number(found.planned),
        "value": _number(found.value),
        "own": found.own,
        "like": found.like,
        "note": found.note,
    }
    if found.fit is not None:
        good = found.fit.goodness
        plain["fit"] = {
            "distribution": _distribution(found.fit.distribution),
            "count": found.fit.count,
            "mean": _number(found.fit.mean),
            "censored": found.fit.censored,
            "goodness": None if good is None else {"ks": good.ks, "ad": good.ad, "p": good.p},
            "aicc": {str(s): v for s, v in found.fit.aicc.items()},
            "bic": {str(s): v for s, v in found.fit.bic.items()},
            "note": found.fit.note,
        }
    return plain


def _number(value: float | None) -> float | None:
    """JSON knows no NaN: what is undefined is null."""
    return value if value is not None and math.isfinite(value) else None


# -- in -------------------------------------------------------------------------------------------


def _decode(found: _JSON, line: Line) -> Calibrated:
    machines = {m.id: _machine(m, found["machines"].get(m.id)) for m in line.machines}
    ways = {key: _way(way, found["ways"].get("/".join(key))) for key, way in line.ways.items()}
    vehicles = {v.id: _vehicle(v, found["vehicles"].get(v.id)) for v in line.vehicles}
    changed = line.with_machines(machines).with_ways(ways).with_vehicles(vehicles)
    return Calibrated(
        line=replace(changed, travel=_travel(line.travel, found["travel"])),
        fits=tuple(_read_parameter(p) for p in found["parameters"]),
        demand=_read_demand(found["demand"]),
        start=parse_time(found["from"]),
        end=parse_time(found["to"]),
        seed=found["seed"],
        version=found["version"],
        family_window_s=found.get("family_window_s", FAMILY_WINDOW_S),
    )


def _read(found: _JSON) -> Distribution:
    return Distribution(
        Shape(found["shape"]),
        found.get("a", 0.0),
        found.get("b", 0.0),
        tuple(found.get("quantiles", ())),
    )


def _read_stoppage(found: _JSON) -> Stoppage:
    return Stoppage(
        _read(found["every_s"]),
        _read(found["duration_s"]),
        Stop(found["kind"]),
        found["skill"],
        found["spoils"],
    )


def _machine(machine: Machine, found: _JSON | None) -> Machine:
    if found is None:
        return machine
    return replace(
        machine,
        setup_factor=_read(found["setup_factor"]),
        stoppages=tuple(_read_stoppage(s) for s in found["stoppages"]),
        power=Power(**found["power"]),
    )


def _way(way: Way, found: _JSON | None) -> Way:
    if found is None:
        return way
    return replace(
        way,
        factor=_read(found["factor"]),
        part_cv=found["part_cv"],
        overhead_s=_read(found["overhead_s"]),
        scrap=found["scrap"],
        run_kw=found["run_kw"],
    )


def _vehicle(vehicle: Vehicle, found: _JSON | None) -> Vehicle:
    if found is None:
        return vehicle
    return replace(
        vehicle,
        handling_s=_read(found["handling_s"]),
        stoppages=tuple(_read_stoppage(s) for s in found["stoppages"]),
    )


def _travel(travel: Travel, found: _JSON) -> Travel:
    """Measured times where both ends are still there; the plan's elsewhere."""
    place = {name: index for index, name in enumerate(found["locations"])}
    times: dict[str, tuple[tuple[float, ...], ...]] = {}
    for vehicle, rows in travel.times.items():
        measured: list[list[float]] | None = found["times"].get(vehicle)
        times[vehicle] = tuple(
            tuple(
                planned
                if measured is None or origin not in place or target not in place
                else measured[place[origin]][place[target]]
                for target, planned in zip(travel.locations, row, strict=True)
            )
            for origin, row in zip(travel.locations, rows, strict=True)
        )
    return Travel(travel.locations, times, _read(found["factor"]))


def _read_demand(found: _JSON) -> Demand:
    return Demand(
        rush_per_day=found["rush_per_day"],
        products=found["products"],
        quantity=_read(found["quantity"]),
        lead_s=_read(found["lead_s"]),
        weight=found["weight"],
        late=found["late"],
        late_s=_read(found["late_s"]),
    )


def _read_parameter(found: _JSON) -> Parameter:
    value = found["value"]
    return Parameter(
        thing=found["thing"],
        name=found["name"],
        unit=found["unit"],
        basis=Basis(found["basis"]),
        planned=found["planned"],
        value=math.nan if value is None else value,
        own=found["own"],
        like=found["like"],
        fit=_read_fit(found["fit"]) if "fit" in found else None,
        note=found["note"],
    )


def _read_fit(found: _JSON) -> Fit:
    good: Mapping[str, float] | None = found["goodness"]
    return Fit(
        distribution=_read(found["distribution"]),
        count=found["count"],
        mean=math.nan if found["mean"] is None else found["mean"],
        censored=found["censored"],
        goodness=None if good is None else Goodness(good["ks"], good["ad"], good["p"]),
        aicc={Shape(s): v for s, v in found["aicc"].items()},
        bic={Shape(s): v for s, v in found["bic"].items()},
        note=found["note"],
    )
