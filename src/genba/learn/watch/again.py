"""Newer rows of a model's own kind: got, named and ordered as the card's lineage says."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.historian import Historian
from genba.learn.data.dataset import Dataset
from genba.learn.data.equipment import Slice, slice_of_equipment
from genba.learn.data.parts import slice_of_parts
from genba.learn.data.release import read_release
from genba.learn.data.target import Target
from genba.learn.forecast.ahead import ahead
from genba.learn.recipe.card import Card
from genba.learn.recipe.protocol import Task
from genba.plant import Plant

_BAD = re.compile(r"bad is '(.*)'")


def from_historian(card: Card, historian: Historian, plant: Plant, start: int, end: int) -> Dataset:
    """Read rows as a model's were, of another period ``[start, end)`` in microseconds UTC.

    Raises
    ------
    LearnError
        If the model did not learn from a machine, or a signal of it is gone.
    """
    query = card.lineage.get("query", {})
    if card.lineage.get("source") != "historian" or "equipment" not in query:
        raise LearnError(
            f"this model of '{card.recipe}' learned from a file, not from a machine; give newer "
            "rows of the same columns with --file"
        )
    needed = {column.signal for column in card.columns}
    # A machine's own process may lack the signal of the truth, and then watches without labels.
    signals = tuple(n for n in map(str, query["signals"]) if n in needed or n in plant.signals)
    settle_s = float(query.get("settle_s", 0.0))
    if "parts" in query:
        wanted = Slice(query["equipment"], start, end, signals=signals, settle_s=settle_s)
        found = slice_of_parts(historian, plant, wanted, query.get("target", "result"))
        return fitting(card, found)
    wanted = Slice(
        query["equipment"],
        start,
        end,
        query["step_s"],
        signals,
        working=bool(query["working"]),
        settle_s=settle_s,
    )
    found = slice_of_equipment(historian, plant, wanted)
    return fitting(card, _with_target(card, found))


def from_file(card: Card, file: Path) -> Dataset:
    """Read rows as a model's were, from another file with the same columns.

    Raises
    ------
    LearnError
        If it learned from a machine, or the file lacks a column.
    """
    if card.task is Task.INSPECT:
        raise LearnError(
            "this model judges pictures, and a file holds rows; show it newer ones with `genba "
            "model verify --pictures`, and learn it anew with `genba train inspect`"
        )
    query = card.lineage.get("query", {})
    if card.lineage.get("source") not in ("file", "made") or "columns" not in query:
        raise LearnError(
            f"this model of '{card.recipe}' learned from machine '{card.equipment}'; leave --file "
            "out and name the plant file"
        )
    target = query.get("target")
    how: dict[str, Any] = {"groups": query.get("groups") or {}, "time": query.get("time")}
    found = read_release(file, target=target, **how)
    if found.lineage.release.partition("sha256:")[2] in str(card.lineage.get("release")):
        raise LearnError(f"{file} is what the model learned from; give newer rows")
    return fitting(card, _with_target(card, _classes(card, found)))


def fitting(card: Card, data: Dataset) -> Dataset:
    """Return data with exactly the columns of a model, in its order.

    Categories keep the numbers that the model knows; a text that it never saw is unknown to it.
    """
    levels = {column.name: column.levels for column in data.columns}
    chosen = data.select([column.name for column in card.columns])
    values = np.array(chosen.values)
    for place, column in enumerate(card.columns):
        having = levels[column.name]
        if column.levels and having != column.levels:
            known = {level: float(number) for number, level in enumerate(column.levels)}
            to = np.array([*(known.get(level, np.nan) for level in having), np.nan])
            old = np.where(np.isfinite(values[:, place]), values[:, place], len(having))
            values[:, place] = to[old.astype(np.int64)]
    return replace(chosen, columns=card.columns, values=values)


def _with_target(card: Card, data: Dataset) -> Dataset:
    """Make the signal that a model says its target, where it is one of the columns."""
    if card.target is None:
        return data.with_target(None) if data.target is not None else data
    name = str(card.target["name"])
    if card.task is Task.FORECAST and data.target is not None:
        return ahead(data)
    if data.target is None and name in data.names:
        column = data.columns[data.names.index(name)]
        target = Target(name, data.column(name), column.unit, signal=column.signal)
        data = data.with_target(target)
        if card.task is Task.FORECAST:
            return ahead(data.without([name]))
    return data


def _classes(card: Card, data: Dataset) -> Dataset:
    """Give the target the classes of the card."""
    if data.target is None or card.target is None or not card.target["classes"]:
        return data
    wanted = tuple(str(one) for one in card.target["classes"])
    known = data.target
    bad = next((m[1] for step in card.lineage["steps"] if (m := _BAD.fullmatch(step))), None)
    if bad is not None:
        names = np.array([*known.classes, ""], np.str_)
        finite = np.isfinite(known.values)
        place = np.where(finite, known.values, -1).astype(np.int64)
        raised = names[place] == bad if known.is_class else known.values == float(bad)
        values = np.where(finite, np.asarray(raised, np.float64), np.nan)
        return data.with_target(Target(known.name, values, classes=wanted, known=known.known))
    if not known.is_class or set(known.classes) - set(wanted):
        strange = ", ".join(sorted(set(known.classes) - set(wanted))) or "numbers"
        raise LearnError(
            f"target '{known.name}' holds {strange}, which the model does not know; it knows "
            f"{', '.join(wanted)}: train a new one"
        )
    to = np.array([*(float(wanted.index(one)) for one in known.classes), np.nan])
    place = np.where(np.isfinite(known.values), known.values, len(known.classes)).astype(np.int64)
    return data.with_target(Target(known.name, to[place], classes=wanted, known=known.known))
