"""The same protocol again: the ladder, the split and what was vouched for, read off a card."""

import re

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.learn.recipe.card import Card
from genba.learn.recipe.ladder import Ladder
from genba.learn.recipe.protocol import Task
from genba.learn.split.named import split_of
from genba.learn.split.parts import Split

_BY_HAND = {
    "BackboneForecast": "stands on a backbone, which is not part of its card; use `genba train "
    "forecast --backbone NAME` with newer data",
    "PooledRecipe": "was taught by sister machines, too; use `genba train` with --pooled and newer "
    "data",
    "TransferRecipe": "began with another machine's model; use `genba train` with --pooled or "
    "--start-from and newer data",
}
"""Classes of recipes whose ladder a card does not tell, and what to do instead."""
_GROUP = re.compile(r"by whole (.+?)s \(")


def split_again(card: Card, data: Dataset) -> Split:
    """Part rows as the card says that they were.

    Raises
    ------
    LearnError
        If they were parted in a way that a card cannot tell (by hand, or one group left out).
    """
    how = card.split
    group = _GROUP.match(how)
    for start, name in (
        ("by time", "time"),
        ("into ", "blocks"),
        ("by rows", "rows"),
        ("by whole", group[1] if group else ""),
    ):
        if how.startswith(start) and name:
            return split_of(data, name, seed=card.seed)
    raise LearnError(
        f"the rows of this model were parted {how}, which cannot be done again by itself; "
        "train a new one with `genba train`"
    )


def ladder_again(card: Card, data: Dataset, train: Dataset) -> Ladder:
    """Return the ladder that the card's model was chosen from, with the same wishes.

    Raises
    ------
    LearnError
        If models of this task, or of this rung, are not learned anew by themselves.
    """
    if why := _BY_HAND.get(card.made_by.partition(":")[2]):
        raise LearnError(f"this model {why}")
    settings = card.settings
    match card.task:
        case Task.ANOMALY:
            from genba.learn.anomaly.ladder import anomaly_ladder

            return anomaly_ladder(
                train,
                false_alarms=float(settings.get("false_alarms", 0.01)),
                a_week=settings.get("a_week"),
                labelled=data.target is not None,
                parts="parts" in card.lineage.get("query", {}),
                seed=card.seed,
            )
        case Task.QUALITY if data.target is not None:
            from genba.learn.quality.ladder import quality_ladder

            inner = settings.get("inner", {}).get("settings", {})  # of the rung with physics
            costs = settings.get("costs", inner.get("costs"))
            known = (float(costs[0]), float(costs[1])) if costs else None
            physics = tuple(settings.get("declared", ()))
            return quality_ladder(data.target, window=card.window, costs=known, physics=physics)
        case Task.SOFT_SENSOR:
            from genba.learn.softsensor.ladder import softsensor_ladder

            return softsensor_ladder(window=card.window)
        case Task.FORECAST:
            from genba.learn.forecast.ladder import forecast_ladder

            return forecast_ladder(data, steps=int(settings.get("steps", 1)))
    raise LearnError(
        f"a model of '{card.task.value}' is not learned anew by itself; use "
        f"`genba train {card.task.value}` with newer data"
    )
