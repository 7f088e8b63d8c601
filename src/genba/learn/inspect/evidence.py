"""What a person is shown of a model of pictures: each kind of defect counted, and a sheet of heat.

The sheet is kept with the model (``heat.png``): what it missed, what it told wrongly, and what it
found, all from the test part.
"""

from dataclasses import replace

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Booleans, Floats, Integers, Texts
from genba.learn.candidate import Candidate
from genba.learn.inspect.gallery import Gallery
from genba.learn.inspect.overlay import Shown, sheet
from genba.learn.inspect.pictures import images_of, labels_of
from genba.learn.registry.store import REPORT
from genba.learn.split.parts import Split

SHEET = "heat.png"
_OF_EACH = 4


def with_evidence(found: Candidate, gallery: Gallery, split: Split) -> Candidate:
    """Add the sheet of heat, and to the report what was found of each kind of defect.

    Raises
    ------
    LearnError
        If the model has no threshold, so that it says of no picture whether it is good.
    """
    threshold = found.model.threshold
    if threshold is None:
        raise LearnError(f"recipe '{found.card.recipe}' sets no threshold; it must, to inspect")
    rows = np.sort(split.test)
    part = gallery.data.take(rows)
    said = found.model.predict(images_of(part).pixels.astype(np.float64))
    truth, told = labels_of(part), said.value >= threshold
    kinds, names = gallery.kinds[rows], gallery.names[rows]
    text = counted(kinds, truth, told)
    files = dict(found.files)
    if said.heat is not None:
        picked = _picked(truth, told, said.value)
        shown = [
            _shown(index, part_name, said.value[index], said.heat[index], gallery, rows)
            for index, part_name in ((i, _named(i, truth, told, names)) for i in picked)
        ]
        files[SHEET] = sheet(shown)
        text += (
            f"\n`{SHEET}` shows {len(shown)} pictures of the test part, each beside its heat (red: "
            "what speaks for a defect; blue outline: what was marked).\n"
        )
    report = found.report + "\n" + text
    files[REPORT] = report.encode()
    return replace(found, report=report, files=files)


def counted(kinds: Texts, truth: Booleans, told: Booleans) -> str:
    """Say how many of each kind were told, in one line each."""
    lines = ["On the test part, told to be defective:", ""]
    for kind in np.unique(kinds[truth]):
        these = kinds == kind
        lines.append(f"- {kind}: {int(told[these].sum())} of {int(these.sum())}")
    good = ~truth
    lines.append(f"- of good ones, falsely: {int(told[good].sum())} of {int(good.sum())}")
    return "\n".join(lines) + "\n"


def _picked(truth: Booleans, told: Booleans, value: Floats) -> Integers:
    """Pick the worst misses, the worst false alarms, and finds from strong to faint."""
    missed = np.flatnonzero(truth & ~told)
    false = np.flatnonzero(~truth & told)
    found = np.flatnonzero(truth & told)
    strong = found[np.argsort(-value[found], kind="stable")]
    spread = np.linspace(0, len(strong) - 1, min(2 * _OF_EACH, len(strong))).astype(np.int64)
    return np.concatenate(
        [
            missed[np.argsort(value[missed], kind="stable")][:_OF_EACH],
            false[np.argsort(-value[false], kind="stable")][:_OF_EACH],
            strong[spread],
        ]
    )


def _named(index: int, truth: Booleans, told: Booleans, names: Texts) -> str:
    how = {(True, False): "missed", (False, True): "false", (True, True): "found"}
    return f"{how[bool(truth[index]), bool(told[index])]} {names[index]}"


def _shown(
    index: int, name: str, value: float, heat: Floats, gallery: Gallery, rows: Integers
) -> Shown:
    images = images_of(gallery.data)
    row = rows[index]
    mask = None if images.masks is None else images.masks[row]
    return Shown(images.pixels[row], heat, f"{value:.2f} {name}", mask)
