"""``genba model verify`` of a model of pictures: which pictures, and what they are held against."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genba.cli.model_verify_case import Case
from genba.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from genba.learn.verify.verified import Verdict


def of_pictures(
    case: Case,
    *,
    pictures: Path | None,
    labels: Path | None,
    good: str,
    asked: bool,
) -> "Callable[..., Verdict]":
    """Return what runs a model in shadow over a folder of pictures, by default the camera's.

    ``asked``: shares were asked for that only labelled pictures can tell.
    """
    from genba.learn.edge.pictures import PICTURES
    from genba.learn.verify.pictures import verify_pictures
    from genba.learn.verify.shown import shown_in

    camera = case.state / PICTURES / case.model.card.equipment
    folder = camera if pictures is None else pictures
    if pictures is None and not folder.is_dir():
        fail(
            f"no camera has put pictures into {folder}; name a folder with --pictures (its "
            "sub-folders, 'good' and one for each kind of defect, say what they show)"
        )
    good = good or str(case.model.card.lineage.get("query", {}).get("good", "good"))
    shown = shown_in(folder, labels=labels, good=good)
    if asked and not any(one.kind for one in shown):
        fail(
            f"the pictures of {folder} have no labels, so that neither false alarms nor found "
            "defects can be counted; sort them into sub-folders, 'good' and one for each kind of "
            "defect, or give a table with --labels"
        )
    return partial(
        verify_pictures,
        *(case.registry, case.model, case.plant, shown, case.terms),
        good=good,
        in_force=case.in_force,
    )
