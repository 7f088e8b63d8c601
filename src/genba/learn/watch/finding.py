"""What was found wrong with a model: its kind, and plain words."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "drift", "answers", "calibration", "false_alarms", "latency", "labels", "age", "unreadable"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a model as it is, or for learning it anew."""

    kind: Kind
    text: str
