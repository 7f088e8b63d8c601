"""The one frozen form in which data reach a recipe, wherever they come from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray, Booleans, Bytes, Floats, Integers, Texts, digest_of, frozen
from genba.learn.data.column import Column
from genba.learn.data.lineage import Lineage
from genba.learn.data.target import Target

UNIT = "unit"
"""Group whose rows form one sequence in time: a machine, an engine, a run. No window crosses it."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """A picture per row: ``pixels`` (rows, height, width) uint8, and where the defects are.

    ``masks`` is (rows, height, width) bool, None where nobody marked them.
    """

    pixels: Bytes
    masks: Booleans | None = None

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.dtype != np.uint8:
            raise LearnError(
                f"images have shape {self.pixels.shape} of {self.pixels.dtype}; "
                "give gray ones, (rows, height, width) of uint8, all of one size"
            )
        if self.masks is not None and self.masks.shape != self.pixels.shape:
            raise LearnError(
                f"masks have shape {self.masks.shape}, images {self.pixels.shape}; "
                "give a mask of the same size for each image"
            )
        object.__setattr__(self, "pixels", frozen(self.pixels))

    def take(self, rows: Integers) -> "Images":
        """Return some of them."""
        return Images(self.pixels[rows], None if self.masks is None else self.masks[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows to learn from, or to judge; nothing in it ever changes.

    Rows of one unit (the group ``unit``, or all rows where there is none) stand in order of time.

    Parameters
    ----------
    name : str
        What people call it.
    columns : tuple of Column
        What the columns of ``values`` are.
    values : (rows, columns) float64
        NaN where a value is unknown.
    time : (rows,) int64
        Moment of each row at which a model would answer, microseconds UTC.
    groups : mapping of str to (rows,) str
        ``unit``, ``lot``, ``tool``, ``experiment``, ``product``: what rows belong together.
    target : Target, optional
        What is to be said.
    images : Images, optional
        A picture per row.
    timed : bool
        False where the source has no times and ``time`` only numbers the rows.

    Raises
    ------
    LearnError
        If shapes do not fit together, a name stands twice, or rows of a unit are out of order.
    """

    name: str
    columns: tuple[Column, ...]
    values: Floats
    time: Integers
    lineage: Lineage
    groups: Mapping[str, Texts] = field(default_factory=dict)
    target: Target | None = None
    images: Images | None = None
    timed: bool = True

    def __post_init__(self) -> None:
        values = np.asarray(self.values, np.float64)
        time = np.asarray(self.time, np.int64)
        groups = {name: np.asarray(column, np.str_) for name, column in self.groups.items()}
        rows = len(time)
        if values.shape != (rows, len(self.columns)):
            raise LearnError(
                f"data set '{self.name}' has values of shape {values.shape} for {rows} times and "
                f"{len(self.columns)} columns; give one value for each"
            )
        names = self.names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise LearnError(f"data set '{self.name}' has two columns '{twice}'; rename one")
        lengths = {f"group '{name}'": len(column) for name, column in groups.items()}
        if self.target is not None:
            lengths[f"target '{self.target.name}'"] = len(self.target.values)
        if self.images is not None:
            lengths["images"] = len(self.images.pixels)
        for what, length in lengths.items():
            if length != rows:
                raise LearnError(f"data set '{self.name}': {what} has {length} rows, not {rows}")
        for name, value in (("values", values), ("time", time)):
            object.__setattr__(self, name, frozen(value))
        object.__setattr__(
            self, "groups", MappingProxyType({n: frozen(c) for n, c in groups.items()})
        )
        self._check_order()

    def __reduce__(self) -> tuple[type["Dataset"], tuple[object, ...]]:
        """Cross from process to process, where read-only views of a mapping cannot go."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return Dataset, tuple({**told, "groups": dict(self.groups)}.values())

    def _check_order(self) -> None:
        unit = self.units
        same = unit[1:] == unit[:-1]
        back = same & (np.diff(self.time) < 0)
        if back.any():
            row = int(np.argmax(back)) + 1
            raise LearnError(
                f"data set '{self.name}': row {row} is earlier than the row before it; "
                "sort the rows of each unit by time"
            )

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.time)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def units(self) -> Texts:
        """Unit of each row; an empty text where there is only one."""
        return self.groups.get(UNIT, np.full(self.rows, "", np.str_))

    def column(self, name: str) -> Floats:
        """Return the values of a column, (rows,).

        Raises
        ------
        LearnError
            If there is none of that name.
        """
        return self.values[:, self._index(name)]

    def _index(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names[:8])
            raise LearnError(
                f"data set '{self.name}' has no column '{name}'; it has {known}"
                f"{' ...' if len(self.names) > 8 else ''}"
            ) from None

    def labels(self) -> Floats:
        """Return the target's values, (rows,).

        Raises
        ------
        LearnError
            If it has no target.
        """
        if self.target is None:
            raise LearnError(
                f"data set '{self.name}' has no target; name the column that holds it with --target"
            )
        return self.target.values

    def take(self, rows: Integers | Booleans, why: str = "") -> "Dataset":
        """Return some of its rows, in the given order; ``why`` goes to the lineage."""
        picked = np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, np.int64)
        step = f"{len(picked)} of {self.rows} rows{f': {why}' if why else ''}"
        return replace(
            self,
            values=self.values[picked],
            time=self.time[picked],
            groups={name: column[picked] for name, column in self.groups.items()},
            target=None if self.target is None else self.target.take(picked),
            images=None if self.images is None else self.images.take(picked),
            lineage=self.lineage.then(step),
        )

    def select(self, names: Sequence[str]) -> "Dataset":
        """Return it with some of its columns, in the given order.

        Raises
        ------
        LearnError
            If one is not there.
        """
        indexes = [self._index(name) for name in names]
        return replace(
            self,
            columns=tuple(self.columns[index] for index in indexes),
            values=self.values[:, indexes],
            lineage=self.lineage.then(f"columns {', '.join(names)}"),
        )

    def without(self, names: Iterable[str]) -> "Dataset":
        """Return it without some of its columns."""
        gone = set(names)
        return self.select([name for name in self.names if name not in gone])

    def with_columns(self, columns: Sequence[Column], values: Floats, why: str) -> "Dataset":
        """Return it with more columns, (rows, more)."""
        return replace(
            self,
            columns=(*self.columns, *columns),
            values=np.column_stack([self.values, values]),
            lineage=self.lineage.then(why),
        )

    def with_target(self, target: Target | None) -> "Dataset":
        """Return it with another target, or with none."""
        return replace(self, target=target)

    def digest(self) -> str:
        """SHA-256 of the content: the same rows and columns have the same digest."""
        parts: list[AnyArray | str] = [str([column.as_json() for column in self.columns])]
        parts += [self.values, self.time]
        for name in sorted(self.groups):
            parts += [name, self.groups[name]]
        if self.target is not None:
            parts += [self.target.name, self.target.unit, self.target.values]
        if self.images is not None:
            parts.append(self.images.pixels)
        return digest_of(*parts)
