"""The report in plain words: how good, on what, against what, and what that does not say."""

from collections.abc import Mapping
from typing import Any

from genba.learn.recipe.card import Card, figure
from genba.learn.recipe.examine import MEASURES
from genba.learn.recipe.protocol import Task

_SHOWN: dict[Task, tuple[str, ...]] = {
    Task.ANOMALY: ("drills", "detection", "auc", "false_alarms", "false_alarms_week"),
    Task.QUALITY: (
        *("ap", "f1", "recall", "precision", "accuracy", "voted", "macro_f1", "ece", "covered"),
        *("rmse", "mae", "r2"),
    ),
}
_ANY = ("rmse", "mae", "r2", "covered", "width", "auc", "ap", "f1", "accuracy", "ece")


def shown_of(task: Task, rows: tuple[Mapping[str, Any], ...]) -> list[str]:
    """Which figures a table of these rungs shows, in order."""
    names = _SHOWN.get(task, _ANY)
    told = {name for row in rows for name in (row["tested"] or {})}
    return [name for name in names if name in told]


def report_of(card: Card) -> str:
    """Write the report of a card: a few sentences, a table as Markdown, and the limits."""
    shown = shown_of(card.task, card.rungs)
    lines = [*_headline(card), "", *_table(card, shown), ""]
    lines += [f"- {limit}" for limit in card.limits]
    return "\n".join(lines) + "\n"


def _headline(card: Card) -> list[str]:
    told = ", ".join(
        f"{MEASURES[name].text} {figure(name, card.tested[name])}"
        for name in shown_of(card.task, card.rungs)
        if name in card.tested
    )
    where = card.equipment or str(card.lineage.get("release", "")).partition(" ")[0] or "the data"
    lines = [f"{_what(card)} for {where}: '{card.recipe}'.", f"On rows it had not seen: {told}."]
    if unit := _unit(card):
        lines.append(f"Errors are in {unit}.")
    lines.append(f"Rows were parted {card.split}. Seed {card.seed}.")
    beside = [row for row in card.rungs if row["baseline"] and row["tested"]]
    for row in beside:
        figures = ", ".join(
            f"{MEASURES[name].text} {figure(name, row['tested'].get(name))}"
            for name in shown_of(card.task, card.rungs)
            if name in row["tested"]
        )
        but = f" ({row['failed']})" if row["failed"] else ""
        lines.append(f"Beside it, the plain way '{row['recipe']}': {figures}{but}.")
    return lines


def _unit(card: Card) -> str:
    """What errors of a number are counted in; nothing where nobody said, and for classes."""
    target = card.target or {}
    if not target or target["classes"]:
        return ""
    unit = str(target["unit"])
    return ("rows" if card.task is Task.LIFE else "") if unit in ("", "1") else unit


def _what(card: Card) -> str:
    names = {
        Task.ANOMALY: "Anomaly detection",
        Task.QUALITY: "Quality",
        Task.LIFE: "Remaining life",
        Task.SOFT_SENSOR: "Soft sensor",
        Task.FORECAST: "Forecast",
        Task.INSPECT: "Visual inspection",
    }
    return names[card.task]


def _table(card: Card, shown: list[str]) -> list[str]:
    head = ["recipe", "weight", *(MEASURES[name].text for name in shown), ""]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in card.rungs:
        cells = [figure(name, (row["tested"] or {}).get(name)) for name in shown]
        note = "chosen" if row["chosen"] else "baseline" if row["baseline"] else ""
        note = row["failed"] or note
        told = [row["recipe"], row["weight"], *cells, note]
        lines.append(f"| {' | '.join(told)} |")
    return lines
