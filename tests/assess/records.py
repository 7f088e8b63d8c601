"""Records as the historian gives them, held in memory, and a small plant to assess."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from genba.plant import US, Plant, parse_time

HOUR = 3600 * US
MINUTE = 60 * US
MONDAY = parse_time("2026-01-05T00:00:00Z")
TIME = pa.timestamp("us", "UTC")
SAMPLES = pa.schema(
    [
        ("signal", pa.string()),
        ("source_time", TIME),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("quality", pa.int8()),
    ]
)
OPERATIONS = pa.schema(
    [
        ("time", TIME),
        *((name, pa.string()) for name in ("lot", "order", "product", "operation", "equipment")),
        ("start", TIME),
        ("end", TIME),
        *((name, pa.float64()) for name in ("setup_s", "planned_cycle_s", "energy_kwh")),
        *((name, pa.int64()) for name in ("quantity", "good", "scrap", "rework")),
    ]
)


GAPS = pa.schema(
    [("signal", pa.string()), ("start", TIME), ("end", TIME), ("recovery", pa.string())]
)


class Records:
    """Samples as ``(signal, time, value[, quality])`` and rows of operations."""

    def __init__(
        self,
        samples: Sequence[tuple[Any, ...]],
        operations: Sequence[Mapping[str, Any]] = (),
        gaps: Sequence[tuple[Any, ...]] = (),
    ):
        """``gaps`` as ``(signal, start, end[, recovery])``."""
        self._gaps = list(gaps)
        self._samples = sorted(samples, key=lambda sample: sample[1])
        self._operations = list(operations)

    def samples(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        rows = []
        for name, when, value, *rest in self._samples:
            if name in signals and start <= when < end:
                text = value if isinstance(value, str) else None
                number = None if isinstance(value, str) or value is None else float(value)
                quality = rest[0] if rest else 0
                rows.append((name, when, number, text, quality))
        columns = list(zip(*rows, strict=True)) or [[]] * 5
        return pa.table(
            [pa.array(column, field.type) for column, field in zip(columns, SAMPLES, strict=True)],
            schema=SAMPLES,
        )

    def gaps(self, signals: Sequence[str], start: int, end: int) -> pa.Table:
        found = [
            {"signal": name, "start": begin, "end": until, "recovery": (*rest, "none")[0]}
            for name, begin, until, *rest in self._gaps
            if name in signals and begin < end and (until is None or until > start)
        ]
        return pa.Table.from_pylist(found, schema=GAPS)

    def rows(self, name: str, start: int, end: int, **equals: Any) -> pa.Table:
        assert name == "operations"
        found = [row for row in self._operations if start <= row["time"] < end]
        return pa.Table.from_pylist(
            [{field.name: row.get(field.name) for field in OPERATIONS} for row in found],
            schema=OPERATIONS,
        )


def machine(name: str, **fields: Any) -> dict[str, Any]:
    signals = {
        "state": ("state", "state", "int", "1"),
        "mode": ("mode", "state", "int", "1"),
        "good": ("good_count", "counter", "int", "1"),
        "scrap": ("scrap_count", "counter", "int", "1"),
        "rework": ("rework_count", "counter", "int", "1"),
        "energy": ("energy", "counter", "float", "kWh"),
        "lots": ("lots", "state", "string", "1"),
        "job": ("job_operation", "setpoint", "string", "1"),
    }
    return {
        "id": name,
        "connection": "c",
        "calendar": "day",
        "hourly_cost": 60.0,
        "signals": [
            {"id": short, "role": role, "kind": kind, "type": type_, "unit": unit, "address": short}
            for short, (role, kind, type_, unit) in signals.items()
        ],
        **fields,
    }


def plant(**fields: Any) -> Plant:
    """Two machines in line (saw, mill), one product, a day shift from 6 to 14 with a break."""
    return Plant.model_validate(
        {
            "id": "p",
            "connections": [{"id": "c", "driver": "opcua", "url": "opc.tcp://h"}],
            "equipment": [machine("saw"), machine("mill", hourly_cost=120.0)],
            "products": [
                {
                    "id": "gear",
                    "lot_size": 10,
                    "material_cost": 2.0,
                    "routing": [
                        {"id": "cut", "alternatives": [{"equipment": "saw", "cycle_s": 30}]},
                        {"id": "mill", "alternatives": [{"equipment": "mill", "cycle_s": 60}]},
                    ],
                }
            ],
            "calendars": [
                {
                    "id": "day",
                    "shifts": [
                        {
                            "id": "early",
                            "days": ["mon", "tue"],
                            "start": "06:00",
                            "end": "14:00",
                            "breaks": [{"start": "10:00", "end": "10:30"}],
                        }
                    ],
                }
            ],
            "tariffs": [
                {
                    "id": "grid",
                    "price_per_kwh": [0.1] * 8 + [0.3] * 16,
                    "carbon_g_per_kwh": [100.0] * 8 + [200.0] * 16,
                }
            ],
            "people": [{"id": "team", "calendar": "day", "count": 2, "hourly_cost": 40.0}],
            **fields,
        }
    )
