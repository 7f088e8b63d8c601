"""Figures of several recipes over several seeds, as plain text."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from genba.learn.arrays import Floats, Integers
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


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one way came to in one run: the figure, CPU seconds, what it took, how many it tried.

    ``drawn`` are the figures of test rows drawn again, the same for all ways of a run.
    """

    name: str
    figure: float | None
    seconds: float
    taken: str
    tried: int
    drawn: Floats


DRAWS = 200
PIECES = 20


def redrawn(rows: int, seed: int) -> list[Integers]:
    """Draw test rows with replacement, in twenty pieces of neighbors, since neighbors are alike."""
    random = np.random.default_rng(seed)
    pieces = np.array_split(np.arange(rows), min(PIECES, rows))
    picks = random.integers(len(pieces), size=(DRAWS, len(pieces)))
    return [np.concatenate([pieces[pick] for pick in row]) for row in picks]


def verdicts(task: str, figure: str, higher: bool, runs: Sequence[Sequence[Outcome]]) -> None:
    """Print how all did over the seeds, in one order, and how the first stands to the others."""
    print(f"\n{task}, {figure} ({'higher' if higher else 'lower'} is better)")
    print(f"{'':34}{'median':>8}{'CPU s':>8}{'tried':>7}   by seed; what was taken")
    medians = []
    for row in zip(*runs, strict=True):
        known = [one.figure for one in row if one.figure is not None]
        medians.append(float(np.median(known)) if len(known) == len(row) else None)
        shown = "-" if medians[-1] is None else f"{medians[-1]:.3f}"
        seconds, tried = (np.median([getattr(one, key) for one in row])
                          for key in ("seconds", "tried"))  # fmt: skip
        each = " ".join("-" if one.figure is None else f"{one.figure:.3f}" for one in row)
        taken = ", ".join(dict.fromkeys(one.taken for one in row))
        print(f"{row[0].name:34}{shown:>8}{seconds:8.1f}{tried:7.0f}   {each}; {taken}")
    others = {place: one for place, one in enumerate(medians) if place and one is not None}
    best = (max if higher else min)(others, key=lambda place: others[place])
    sign = 1 if higher else -1
    apart = sign * np.mean([run[0].drawn - run[best].drawn for run in runs], axis=0)
    low, high = np.nanquantile(apart, (0.025, 0.975))
    told = "ahead of" if low > 0 else "BEHIND" if high < 0 else "equal to"
    print(
        f"Genba is {told} the best of the others, {runs[0][best].name}: better by {low:+.3f} to "
        f"{high:+.3f} (95%, test rows drawn again)",
        flush=True,
    )
