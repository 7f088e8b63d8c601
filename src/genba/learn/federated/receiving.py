"""What a site takes from the hub in the end: looked at before it is signed with the site's key."""

import json
from collections.abc import Mapping
from dataclasses import replace

from genba.errors import LearnError
from genba.learn.candidate import step_s_of
from genba.learn.data.dataset import Dataset
from genba.learn.federated.message import Message
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.plan import Plan
from genba.learn.recipe.card import Card
from genba.learn.recipe.report import report_of
from genba.learn.registry.store import (
    CARD,
    MODEL,
    PARTS_FILE,
    REPORT,
    ROWS,
    digest_of_files,
    read_arrays,
)


def checked_files(plan: Plan, result: Message) -> tuple[dict[str, bytes], FederatedModel]:
    """Return a candidate's files, and the model that they hold.

    The ONNX graph must be the one that the arrays give: no other is ever run here.

    Raises
    ------
    LearnError
        If the files are not those of a candidate of this plan.
    """
    files = {name: array.tobytes() for name, array in result.arrays.items()}
    if set(files) != {CARD, MODEL, PARTS_FILE, REPORT, ROWS}:
        raise _strange("they are not the five files of a model")
    try:
        card = Card.from_json(json.loads(files[CARD]))
        model = FederatedModel.from_parts(read_arrays(files[PARTS_FILE]), card.recipe)
        graph = model.to_onnx((card.window, len(card.columns)))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _strange(f"a file is damaged ({type(error).__name__})") from None
    design = plan.design()
    if card.columns != design.columns or card.window != design.window or card.task != design.task:
        raise _strange("the card tells of other columns than the plan")
    if plan.digest() not in str(card.lineage.get("release")):
        raise _strange("the card tells of another plan")
    if graph != files[MODEL]:
        raise _strange("the ONNX graph is not that of the model; use one Genba everywhere")
    return files, model


def at_home(files: Mapping[str, bytes], data: Dataset, equipment: str) -> dict[str, bytes]:
    """Return a candidate's files with the card of this site's machine, so that it can run there.

    Columns get this site's signals, in the plan's order; the hub's address goes to the lineage.
    Without an equipment they stay as they are.
    """
    if not equipment:
        return dict(files)
    card = Card.from_json(json.loads(files[CARD]))
    own = {column.name: column.signal for column in data.columns}
    columns = tuple(replace(column, signal=own[column.name]) for column in card.columns)
    told = replace(
        card,
        equipment=equipment,
        columns=columns,
        step_s=step_s_of(data),
        lineage={**card.lineage, "hub": digest_of_files(files)},
    )
    text = json.dumps(told.as_json(), indent=1, ensure_ascii=False, default=str) + "\n"
    return {**files, CARD: text.encode(), REPORT: report_of(told).encode()}


def _strange(why: str) -> LearnError:
    return LearnError(f"the hub's candidate is not kept: {why}")
