"""The two recipes of a federation, which any one site can fit alone as well, by the same sums."""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from genba.learn.data.dataset import Dataset
from genba.learn.federated.average import network_of
from genba.learn.federated.design import Design, Tuning
from genba.learn.federated.limits import limited
from genba.learn.federated.line import line_of, standards_of
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.total import plain
from genba.learn.federated.worker import Worker
from genba.learn.recipe.protocol import Parts, Task, Weight


@dataclass(frozen=True, slots=True)
class SharedLine:
    """Settings: the task, and rows looked back on."""

    task: Task = Task.SOFT_SENSOR
    window: int = 1
    name: str = "shared line"
    weight: ClassVar[Weight] = Weight.LIGHT

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> FederatedModel:
        """Fit on ``train``; choose the penalty and set limits on ``held``."""
        design = Design.of(train, self.task, self.window, Tuning(), seed)
        return line_alone(design, train, held)

    def restore(self, parts: Parts) -> FederatedModel:
        """Make the model again."""
        return FederatedModel.from_parts(parts, self.name)


@dataclass(frozen=True, slots=True)
class SharedNetwork:
    """Settings: the task, rows looked back on, and how the network is averaged."""

    task: Task = Task.SOFT_SENSOR
    window: int = 1
    tuning: Tuning = field(default_factory=Tuning)
    name: str = "shared network"
    weight: ClassVar[Weight] = Weight.MID

    def settings(self) -> dict[str, Any]:
        """Return the settings."""
        return asdict(self)

    def fit(self, train: Dataset, held: Dataset, seed: int) -> FederatedModel:
        """Begin from a line, train on ``train``; stop and set limits on ``held``."""
        design = Design.of(train, self.task, self.window, self.tuning, seed)
        return network_alone(design, train, held)

    def restore(self, parts: Parts) -> FederatedModel:
        """Make the model again."""
        return FederatedModel.from_parts(parts, self.name)


def line_alone(design: Design, train: Dataset, held: Dataset) -> FederatedModel:
    """Fit a line on rows that lie in one place."""
    total = plain([Worker(design, {"train": train, "held": held})])
    view = design.view()
    standards, _, _ = standards_of(total, design, view)
    return limited(total, design, line_of(total, design, view, standards))


def network_alone(design: Design, train: Dataset, held: Dataset) -> FederatedModel:
    """Train a network on rows that lie in one place."""
    total = plain([Worker(design, {"train": train, "held": held})])
    view = design.view()
    standards, rows, _ = standards_of(total, design, view)
    line = line_of(total, design, view, standards)
    return limited(total, design, network_of(total, design, line, float(rows[0])))
