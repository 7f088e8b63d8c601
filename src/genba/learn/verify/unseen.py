"""Which recorded stretch a model may be verified on: one that it was not trained on."""

from genba.errors import LearnError
from genba.learn.edge.window import US
from genba.learn.recipe.card import Card
from genba.plant import format_time, parse_time

LONGEST_S = 28 * 86_400.0
"""How much is taken, newest first, where nobody says."""


def learned_from(card: Card) -> tuple[int, int] | None:
    """Return the stretch that a model was learned from, None where its card names none."""
    query = card.lineage.get("query", {})
    try:
        return parse_time(str(query["from"])), parse_time(str(query["to"]))
    except KeyError:
        return None


def unseen(
    card: Card,
    newest: int,
    *,
    start: int | None = None,
    end: int | None = None,
    hours: float | None = None,
) -> tuple[int, int]:
    """Choose the stretch ``[start, end)`` in microseconds UTC.

    By default all that was recorded since the model was trained, at most four weeks; else the
    newest ``hours`` of it, or what ``start`` and ``end`` say.

    Parameters
    ----------
    newest : int
        Just after the newest that is recorded.

    Raises
    ------
    LearnError
        If the stretch is empty, or the model was trained on a part of it.
    """
    trained = learned_from(card)
    end = newest if end is None else end
    if start is None:
        start = end - round((LONGEST_S if hours is None else hours * 3600) * US)
        if trained is not None and hours is None and start < trained[1] <= end:
            start = trained[1]
    if start >= end:
        since = "" if trained is None else f" since it was trained ({format_time(trained[1])})"
        raise LearnError(
            f"nothing is recorded{since} that the model could be verified on; record for a while, "
            "or name a stretch with --from and --to"
        )
    if trained is not None and start < trained[1] and trained[0] < end:
        raise LearnError(
            f"the model was trained on {format_time(trained[0])} to {format_time(trained[1])}, and "
            f"{format_time(start)} to {format_time(end)} lies within that; what it has seen proves "
            "nothing: choose another stretch"
        )
    return start, end
