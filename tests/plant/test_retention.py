"""Retention: which class a signal belongs to, and what is said of classes that make no sense."""

from genba.plant import (
    Connection,
    Equipment,
    Plant,
    Retention,
    RetentionClass,
    Signal,
    SignalKind,
)
from genba.plant.check import check_plant


def plant(*classes: RetentionClass, own: str | None = None) -> Plant:
    signals = tuple(
        Signal(
            id=f"mill.{name}",
            equipment="mill",
            connection="link",
            address=name,
            kind=kind,
            retention=own if name == "power" else None,
        )
        for name, kind in (("power", SignalKind.MEASUREMENT), ("state", SignalKind.STATE))
    )
    return Plant(
        id="works",
        connections=(Connection(id="link", driver="opcua", url="opc.tcp://127.0.0.1:1"),),
        equipment=(Equipment(id="mill", signals=signals),),
        retention=Retention(classes=classes),
    )


def said(found: Plant) -> list[str]:
    return [
        f"{problem.where}: {problem.text}"
        for problem in check_plant(found)
        if problem.where.startswith("retention") or "retention" in problem.where
    ]


def test_the_last_class_that_fits_holds_and_a_signals_own_before_it() -> None:
    classes = (
        RetentionClass(id="all", signals=("*",), raw_days=90),
        RetentionClass(id="measured", signals=("mill.*",), kinds=(SignalKind.MEASUREMENT,)),
        RetentionClass(id="short", raw_days=10),
    )
    found = plant(*classes)
    assert found.retention.members(found.signals.values()) == {
        "mill.power": "measured",
        "mill.state": "all",
    }
    own = plant(*classes, own="short")
    assert own.retention.members(own.signals.values())["mill.power"] == "short"
    assert said(own) == []


def test_without_classes_everything_is_kept() -> None:
    found = plant()
    assert found.retention.members(found.signals.values()) == {}


def test_what_makes_no_sense_is_named() -> None:
    wrong = plant(
        RetentionClass(id="a", signals=("press.*",), raw_days=90, rollup_1m_days=30),
        RetentionClass(id="a", raw_days=2),
        own="b",
    )
    assert said(wrong) == [
        "retention.classes[a].signals[1]: 'press.*' fits no signal",
        "retention.classes[a].rollup_1m_days: the coarser rollups would go after 30 days, before "
        "what is finer",
        "retention.classes[a].id: class 'a' is there twice",
        "retention.classes[a].raw_days: after 2 days, what a signal showed last may be forgotten "
        "while it is still looked for",
        "equipment[mill].signals[mill.power].retention: there is no retention class 'b'",
    ]
