"""What a person wants left out: a signal, or one of the columns that are made of parts."""

from collections.abc import Sequence

from genba.errors import LearnError
from genba.learn.data.dataset import Dataset
from genba.plant import Equipment


def signals_among(machine: Equipment, names: Sequence[str]) -> tuple[str, ...]:
    """Return those names that are signals of a machine, as they stand or behind its id."""
    there = {signal.id for signal in machine.signals}
    return tuple(name for name in names if name in there or f"{machine.id}.{name}" in there)


def without_columns(data: Dataset, machine: Equipment, names: Sequence[str]) -> Dataset:
    """Leave columns out by name, as a refusal names them: ``power.mean``, ``size_um.last``.

    Raises
    ------
    LearnError
        If there is no such column, or none is left.
    """
    gone = []
    for name in names:
        short = name.removeprefix(f"{machine.id}.")
        there = [column for column in data.names if column in (name, short)]
        if not there:
            raise LearnError(
                f"equipment '{machine.id}' has no signal '{name}', and no column is called so; "
                f"columns are {', '.join(data.names)}"
            )
        gone += there
    if len(set(gone)) == len(data.names):
        raise LearnError(f"nothing is left of '{data.name}' to learn from; leave fewer columns out")
    return data.without(gone) if gone else data
