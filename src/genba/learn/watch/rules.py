"""What a plant puts up with, and what follows where it does not: defaults, or a small YAML file."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

import yaml

from genba.errors import LearnError
from genba.learn.verify.budget import BUDGET_A_WEEK
from genba.learn.watch import drift
from genba.learn.watch.finding import Kind

_KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Rules:
    """When something is found of a model, and what is done about it.

    Parameters
    ----------
    drift_rate : float
        Chance of finding drift in any column where there is none, for each look.
    drift_matters : float
        Parts of the spread by which values have to move.
    false_alarms_a_week : float
        What the plant puts up with.
    follow_h : float
        Hours within which something has to follow a finding, else it was false.
    latency_us : float
        Longest p99 of CPU time of an answer.
    new_labels : int
        So many labels since the training are worth learning from, if they are also half as many
        as the rows that it was made from.
    age_days : float
        Older models are learned anew.
    roll_back, retrain : tuple of str
        For which kinds of findings a model is taken back, or learned anew: ``drift``, ``answers``,
        ``calibration``, ``false_alarms``, ``latency``, ``labels``, ``age``.

    Raises
    ------
    LearnError
        If a value makes no sense.
    """

    drift_rate: float = drift.RATE
    drift_matters: float = drift.MATTERS
    false_alarms_a_week: float = BUDGET_A_WEEK
    follow_h: float = 24.0
    latency_us: float = 10_000.0
    new_labels: int = 500
    age_days: float = 90.0
    roll_back: tuple[str, ...] = ("calibration", "false_alarms", "latency")
    retrain: tuple[str, ...] = ("drift", "answers", "calibration", "false_alarms", "labels", "age")

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("roll_back", "retrain"):
                strange = [kind for kind in value if kind not in _KINDS]
                if strange:
                    raise LearnError(
                        f"rule '{one.name}' names '{strange[0]}'; name some of {', '.join(_KINDS)}"
                    )
            elif isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise LearnError(f"rule '{one.name}' is {value!r}; give a number above 0")
        if self.drift_rate >= 0.5:
            raise LearnError(f"rule 'drift_rate' is {self.drift_rate}; give less than 0.5")


def read_rules(path: Path) -> Rules:
    """Read rules from a YAML file; what it leaves out is as by default.

    Raises
    ------
    LearnError
        If it cannot be read, or names a rule that there is not.
    """
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise LearnError(f"{path} cannot be read: {error.strerror}; check the path") from None
    except (yaml.YAMLError, UnicodeError):
        raise LearnError(f"{path} is no YAML; write it like 'false_alarms_a_week: 2'") from None
    if not isinstance(told, Mapping):
        raise LearnError(f"{path} holds no rules; write them like 'false_alarms_a_week: 2'")
    return rules_from(told, str(path))


def rules_from(told: Mapping[str, Any], where: str) -> Rules:
    """Make rules of plain values.

    Raises
    ------
    LearnError
        If one is unknown or makes no sense.
    """
    names = [one.name for one in fields(Rules)]
    for name in told:
        if name not in names:
            raise LearnError(f"{where} has no rule '{name}'; there are {', '.join(names)}")
    values: dict[str, Any] = {
        name: tuple(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in told.items()
    }
    for name in ("roll_back", "retrain"):
        if not isinstance(values.get(name, ()), tuple):
            raise LearnError(f"{where}: rule '{name}' is no list; write it like [drift, age]")
    return Rules(**values)
