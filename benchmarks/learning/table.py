"""Figures of several recipes over several seeds, as plain text."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.recipe.examine import examine_number
from genba.learn.recipe.prediction import Prediction

Answer = Callable[[int], Prediction]
"""Fits with a seed, and answers for the test rows."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one way did: the figures of each seed, and the CPU seconds."""

    name: str
    figures: dict[str, list[float | None]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def median(self, figure: str) -> float | None:
        """Return the median over seeds; None where it is undefined in one."""
        told = [one for one in self.figures[figure] if one is not None]
        whole = len(told) == len(self.figures[figure])
        return float(np.median(told)) if whole else None


def measured(name: str, answer: Answer, truth: Floats, seeds: Sequence[int]) -> Row:
    """Let one way answer with each seed, and measure it."""
    row = Row(name)
    for seed in seeds:
        begun = time.process_time()
        said = answer(seed)
        row.seconds.append(time.process_time() - begun)
        flat = {name: array.ravel() for name, array in said.outputs().items()}
        scores = examine_number(truth, Prediction(**flat))
        for figure in ("rmse", "mae", "r2", "covered", "width"):
            row.figures.setdefault(figure, []).append(scores.get(figure))
    return row


def show(rows: Sequence[Row], primary: str) -> None:
    """Print a table: medians over seeds, and each seed of the figure that counts."""
    figures = ("rmse", "mae", "r2", "covered", "width")
    head = "".join(f"{figure:>9}" for figure in figures)
    print(f"{'':38}{head}{'CPU s':>8}   {primary} by seed")
    for row in rows:
        told = [row.median(figure) for figure in figures]
        cells = "".join(f"{'-':>9}" if one is None else f"{one:9.3f}" for one in told)
        each = " ".join("-" if one is None else f"{one:.3f}" for one in row.figures[primary])
        print(f"{row.name:38}{cells}{np.median(row.seconds):8.1f}   {each}")
