"""Looks at models with what a historian holds: one model, or all that are in force."""

from collections.abc import Collection

from genba.errors import GenbaError, LearnError
from genba.historian import Historian
from genba.learn.data.dataset import Dataset
from genba.learn.edge.bundle import open_bundle
from genba.learn.edge.keys import Trust
from genba.learn.edge.node import on_shelf
from genba.learn.registry.store import Registry
from genba.learn.verify.unseen import learned_from
from genba.learn.watch.again import from_historian
from genba.learn.watch.alarms import FalseAlarms, false_alarms_of
from genba.learn.watch.asked import Round
from genba.learn.watch.rules import Rules
from genba.learn.watch.subject import Subject, of_bundle, of_registered
from genba.learn.watch.watched import Watched, look
from genba.learn.watch.where import Force, in_force, measured_us
from genba.plant import US, Plant, parse_time


def look_at(
    found: Subject,
    force: Force | None,
    historian: Historian,
    plant: Plant,
    span: tuple[int, int],
    rules: Rules,
    p99_us: float | None = None,
) -> Watched:
    """Look at a model that learned from a machine.

    ``span`` is cut to what it was not trained on. What cannot be read is told in
    :attr:`Watched.untold`.

    Raises
    ------
    GenbaError
        If the model itself cannot be opened.
    """
    card, (begin, end) = found.card, span
    data: Dataset | None = None
    alarms: FalseAlarms | None = None
    age: float | None = None
    why = ""
    trained = learned_from(card)
    if trained is not None:
        begin, age = max(begin, trained[1]), max(end - trained[1], 0) / US / 86_400
    if begin >= end:
        why = "nothing is recorded since it was trained"
    else:
        try:
            data = from_historian(card, historian, plant, begin, end)
        except GenbaError as error:
            why = str(error)
    if force is not None and card.threshold is not None and card.equipment:
        since = max(begin, parse_time(force.since))
        if since < end:
            alarms = false_alarms_of(
                historian, plant, card.equipment, card.task.value, since, end,
                address=force.address, follow_s=rules.follow_h * 3600,
                working=bool(card.lineage.get("query", {}).get("working")),
            )  # fmt: skip
    return look(
        found, data, rules, force=force, alarms=alarms, p99_us=p99_us, age_days=age, unread=why
    )


def look_around(asked: Round, historian: Historian) -> tuple[Watched, ...]:
    """Look at all models in force, as they lie in the registry or on the shelf of releases.

    A model that was released elsewhere keeps its reference there, and is watched there.
    """
    registry = Registry(asked.models, asked.models.parent / "no key is needed to look")
    events = registry.history.events()
    having = set(registry.list())
    span = (asked.now - round(asked.back_s * US), asked.now)
    found = []
    for force in in_force(events):
        try:
            subject = _subject(asked, registry, having, force)
        except LearnError as error:
            found.append(Watched(force.model, force.name, force, blind=str(error)))
            continue
        if subject is not None:
            us = asked.measured_us.get(force.address, measured_us(events, force.model))
            found.append(look_at(subject, force, historian, asked.plant, span, asked.rules, us))
    return tuple(found)


def _subject(
    asked: Round, registry: Registry, having: Collection[str], force: Force
) -> Subject | None:
    """Return a model in force as it is watched; None where it does not lie here."""
    if force.model in having:
        return of_registered(registry.get(force.model))
    release = on_shelf(asked.models, force.address)
    if release.exists():
        return of_bundle(open_bundle(release.read_bytes(), Trust(asked.keys)))
    return None
