"""The leakage check: what would make a model look better than it will ever be.

It looks at columns (declared or proven to be the target in disguise) and at the split (rows with
their neighbors, copies or group in the training part), and refuses with the reason. See Kaufman et
al., *Leakage in data mining*, ACM TKDD 6(4), 2012, for the kinds.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from genba.errors import LearnError
from genba.learn.data.column import Known
from genba.learn.data.dataset import Dataset
from genba.learn.data.synthetic import SYNTHETIC, synthetic_rows
from genba.learn.split import derived, divided
from genba.learn.split.parts import Split

RECURRING = "product"
"""Group that comes again tomorrow: a model may learn its products by heart."""


class LeakKind(StrEnum):
    """What sort of trap."""

    AFTER = "after"
    """A column that is known only after the answer."""
    DERIVED = "derived"
    """Columns that are computed from the target, or as the target is."""
    SHUFFLED = "shuffled"
    """Rows parted at random although neighbors are alike."""
    DUPLICATE = "duplicate"
    """Copies of test rows in the training part."""
    DIVIDED = "divided"
    """Groups with one answer that stand on both sides."""
    FUTURE = "future"
    """Labels of training rows that were known only when the test had begun."""
    SYNTHETIC = "synthetic"
    """Rows that no plant ever showed in a part that judges."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One trap: what it is about (columns or groups), why it is one, and the mend."""

    kind: LeakKind
    about: tuple[str, ...]
    reason: str
    mend: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.mend}"


def leaks(
    data: Dataset, split: Split | None = None, *, vouched: Collection[str] = ()
) -> tuple[Leak, ...]:
    """Look for leaks.

    Parameters
    ----------
    data : Dataset
        With a target, where columns are to be checked against it.
    split : Split, optional
        How it was parted; None looks at columns only.
    vouched : collection of str
        Columns and groups that somebody answers for. Columns that are known before the answer
        (``Known.BEFORE``) are vouched for by that word.

    Returns
    -------
    tuple of Leak
        Empty where nothing was found. That is no proof that there is nothing.
    """
    found = [_after(name) for name in _known_after(data) if name not in vouched]
    if data.target is not None:
        suspects = [
            index
            for index, column in enumerate(data.columns)
            if column.known is Known.DURING and column.name not in vouched
        ]
        found += [
            Leak(
                LeakKind.DERIVED,
                proof.columns,
                f"{_listed(proof.columns)} {proof.text}",
                f"leave {'it' if len(proof.columns) == 1 else 'one of them'} out with --without, "
                "or vouch for it with --vouch if it is truly known before the answer",
            )
            for proof in derived.proofs(data, suspects)
        ]
    if split is not None:
        found += _of_split(data, split, vouched)
    return tuple(found)


def refuse_leaks(data: Dataset, split: Split | None = None, vouched: Collection[str] = ()) -> None:
    """Look for leaks, and go no further where there is one.

    Raises
    ------
    LearnError
        One line per leak: what, why, and the mend.
    """
    found = leaks(data, split, vouched=vouched)
    if found:
        raise LearnError("\n".join(f"leakage in '{data.name}': {leak}" for leak in found))


def _known_after(data: Dataset) -> list[str]:
    return [column.name for column in data.columns if column.known is Known.AFTER]


def _after(name: str) -> Leak:
    return Leak(
        LeakKind.AFTER,
        (name,),
        f"column '{name}' is known only after the answer",
        f"leave it out with --without {name}",
    )


def _of_split(data: Dataset, split: Split, vouched: Collection[str]) -> list[Leak]:
    found = []
    made = synthetic_rows(data)
    if count := sum(int(made[split.rows_of(part)].sum()) for part in ("held", "choose", "test")):
        told = f"{count} synthetic rows stand in the parts that judge"
        found.append(Leak(LeakKind.SYNTHETIC, (), told, "judge by real rows alone"))
    if (text := divided.shuffled(data, split)) is not None:
        found.append(Leak(LeakKind.SHUFFLED, (), text, "part by time, by group or into blocks"))
    # Without a target a row gives no answer away: a machine that stands still repeats itself.
    copies = None if data.target is None else divided.duplicated(data, split)
    if (text := copies) is not None and "duplicates" not in vouched:
        mend = "remove the copies, or keep them on one side; --vouch duplicates if they are chance"
        found.append(Leak(LeakKind.DUPLICATE, (), text, mend))
    if "duplicates" not in vouched and (text := divided.twice_pictured(data, split)) is not None:
        mend = (
            "remove the copies, part by what was photographed (--group, --split), or keep those "
            "that are alike on one side (--split alike); --vouch duplicates if it is chance"
        )
        found.append(Leak(LeakKind.DUPLICATE, (), text, mend))
    for group in data.groups:
        if group in (RECURRING, SYNTHETIC, *vouched):
            continue
        if text := divided.group_divided(data, split, group):
            mend = f"part by whole {group}s (--split {group})"
            found.append(Leak(LeakKind.DIVIDED, (group,), text, mend))
    if (text := divided.learned_late(data, split)) is not None:
        mend = "leave those rows out of training, or begin the test later"
        found.append(Leak(LeakKind.FUTURE, (), text, mend))
    return found


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"'{name}'" for name in names]
    if len(quoted) == 1:
        return f"column {quoted[0]}"
    return f"columns {', '.join(quoted[:-1])} and {quoted[-1]}"
