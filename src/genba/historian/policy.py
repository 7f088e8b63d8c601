"""How long the plant wants what kept: handed from the core to the committer in ``policy.json``."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from genba.errors import StateError
from genba.historian.folder import write_whole
from genba.historian.schema import RECORDS, ROLLUP_1H, ROLLUP_1M, SAMPLES
from genba.plant import US, Plant

_NAME = "policy.json"
_DAY_US = 86_400 * US


@dataclass(frozen=True, slots=True)
class Policy:
    """How long rows are kept, in microseconds; whatever does not stand here is kept for ever.

    Attributes
    ----------
    signals : dict
        By table (``samples``, ``rollup_1m``, ``rollup_1h``) and signal.
    records : dict
        By table of records.
    """

    signals: dict[str, dict[str, int]] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, plant: Plant) -> "Policy":
        """Take the policy from a plant file.

        Raises
        ------
        StateError
            If it speaks of a table that the historian has not.
        """
        wanted: dict[str, dict[str, int]] = {}
        for signal in plant.signals.values():
            own = plant.retention.class_of(signal)
            if own is None:
                continue
            for table, days in (
                (SAMPLES.name, own.raw_days),
                (ROLLUP_1M.name, own.rollup_1m_days),
                (ROLLUP_1H.name, own.rollup_1h_days),
            ):
                if days is not None:
                    wanted.setdefault(table, {})[signal.id] = round(days * _DAY_US)
        records = {rule.table: round(rule.days * _DAY_US) for rule in plant.retention.records}
        for table in records:
            if table not in RECORDS:
                raise StateError(
                    f"retention.records names the table '{table}', which the historian has not; "
                    f"it has {', '.join(sorted(RECORDS))}"
                )
        return cls(wanted, records)

    def hand_over(self, root: Path) -> None:
        """Write it into a historian's folder, whole or not at all."""
        write_whole(root / _NAME, json.dumps(asdict(self), sort_keys=True) + "\n")

    @classmethod
    def found(cls, root: Path) -> "Policy":
        """Read what was handed over; keep everything where nothing was.

        Raises
        ------
        StateError
            If the file is damaged; nothing may be deleted then.
        """
        path = root / _NAME
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            signals = {
                str(table): {str(name): int(length) for name, length in own.items()}
                for table, own in told["signals"].items()
            }
            return cls(signals, {str(name): int(n) for name, n in told["records"].items()})
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StateError(
                f"{path} is damaged; nothing is forgotten until the core writes it anew at its "
                "next start"
            ) from None
