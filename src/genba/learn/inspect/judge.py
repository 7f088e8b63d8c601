"""Judging pictures with a model that was kept: its ONNX graph, without what trained it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Bytes, Floats
from genba.learn.export.parity import OnnxModel
from genba.learn.inspect.photo import read_photo, scaled, shows_nothing, told_size
from genba.learn.inspect.place import Box, hottest, told_place
from genba.learn.recipe.protocol import Task
from genba.learn.registry.store import Registered


class Verdict(StrEnum):
    """What is said of a picture."""

    GOOD = "good"
    DEFECTIVE = "defective"
    CANNOT_TELL = "cannot tell"
    """The picture shows nothing, so that silence would be no proof of a good part."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The answer to one picture.

    ``score`` is what the model says, to be held against ``threshold``; None where it cannot tell.
    ``box`` is (left, top, right, bottom), in pixels, of the place around the greatest heat, where
    that is at least half as great. ``heat`` has the size of ``pixels``.
    """

    name: str
    verdict: Verdict
    threshold: float
    score: float | None = None
    box: Box | None = None
    why: str = ""
    pixels: Bytes | None = None
    heat: Floats | None = None

    @property
    def words(self) -> str:
        """Say it to people."""
        if self.score is None:
            return f"{self.verdict.value}: {self.why}"
        side = "from" if self.verdict is Verdict.DEFECTIVE else "below"
        text = f"{self.verdict.value}: {self.score:.2f} ({side} {self.threshold:.2f})"
        if self.box is None or self.verdict is Verdict.GOOD:
            return text
        return f"{text}, {told_place(self.box)}"


class Inspector:
    """A model of pictures, ready to judge.

    Raises
    ------
    LearnError
        If the model judges no pictures.
    """

    def __init__(self, model: Registered) -> None:
        card = model.card
        if card.task is not Task.INSPECT or card.threshold is None:
            raise LearnError(
                f"model {model.digest[:12]} is of the task '{card.task.value}' and judges no "
                "pictures; see `genba model list` for one of 'inspect'"
            )
        self._threshold = card.threshold
        self._model = OnnxModel(model.onnx())
        self._size = (int(self._model.shape[1]), int(self._model.shape[2]))
        query = card.lineage.get("query", {})
        self._shot = tuple(int(one) for one in query.get("shot", self._size))
        self._gray = bool(query.get("gray", False))

    def judge(self, path: Path) -> Finding:
        """Judge the picture of a file.

        Raises
        ------
        LearnError
            If it cannot be read, or was not taken as those that the model learned from.
        """
        pixels = read_photo(path, gray=self._gray)
        if pixels.shape != self._shot:
            raise LearnError(
                f"{path} has {told_size(pixels.shape)} pixels, and the model learned from "
                f"{told_size(self._shot)}; crop or scale it as those were"
            )
        return self.judge_pixels(path.name, scaled(pixels, self._size))

    def judge_all(self, paths: list[Path]) -> list[Finding]:
        """Judge many; one that cannot be read does not keep the others from being judged."""
        found = []
        for path in paths:
            try:
                found.append(self.judge(path))
            except LearnError as error:
                nothing = Finding(path.name, Verdict.CANNOT_TELL, self._threshold, why=str(error))
                found.append(nothing)
        return found

    def judge_pixels(self, name: str, pixels: Bytes) -> Finding:
        """Judge gray values of the model's own size, (height, width) uint8."""
        if why := shows_nothing(pixels):
            told = f"the picture {why}"
            return Finding(name, Verdict.CANNOT_TELL, self._threshold, why=told, pixels=pixels)
        said = self._model.predict(pixels[None].astype(np.float64))
        score = float(said.value[0])
        verdict = Verdict.DEFECTIVE if score >= self._threshold else Verdict.GOOD
        heat = None if said.heat is None else said.heat[0]
        box = None if heat is None else hottest(heat)
        return Finding(name, verdict, self._threshold, score, box, "", pixels, heat)
