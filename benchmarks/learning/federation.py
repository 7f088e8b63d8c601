"""Sites of a federation in one process: real questions, masks, shares, signatures, and no TLS."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genba.learn.arrays import Floats
from genba.learn.data.dataset import Dataset
from genba.learn.federated.average import network_of
from genba.learn.federated.identity import (
    Identity,
    Roster,
    make_authority,
    make_request,
    sign_request,
)
from genba.learn.federated.limits import limited
from genba.learn.federated.line import line_of, standards_of
from genba.learn.federated.message import Message
from genba.learn.federated.model import FederatedModel
from genba.learn.federated.plan import Plan, plan_of
from genba.learn.federated.site import Site
from genba.learn.federated.tally import tally
from genba.learn.federated.total import Total
from genba.learn.federated.worker import Worker, size_of
from genba.learn.recipe.protocol import Task

NAMES = ("alpha", "bravo", "charlie", "delta", "echo")
Parts = Mapping[str, Dataset]
"""``train`` and ``held`` of one place."""


@dataclass
class Masked:
    """Adds up what sites say, as a hub does; counts the sums, and the bytes to and from sites."""

    plan: Plan
    workers: Mapping[str, Worker]
    folder: Path
    sums: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        made = identities(self.folder)
        roster = Roster.at(made[NAMES[0]].authority)
        self._name_of = lambda der: roster.name_of(der, now())
        self._number = 0
        self._sites = {
            name: Site(self.plan, worker, made[name], self.folder / name, lambda: "now")
            for name, worker in self.workers.items()
        }

    def __call__(self, question: Message) -> Floats:
        """Return the sum over all sites."""
        design = self.plan.design()
        begun = time.process_time()
        found = tally(
            self._ask, NAMES, question, size_of(design, design.view(), question), self._name_of
        )
        assert found.sites == NAMES
        self.seconds += time.process_time() - begun
        self.sums[question.text("kind")] += 1
        return found.values

    def _ask(self, told: Mapping[str, Message]) -> dict[str, Message]:
        answers = {}
        for site, message in told.items():
            self._number += 1
            content = message.pack()
            answer = self._sites[site].handle(self._number, content)
            self.sent, self.received = self.sent + len(content), self.received + len(answer)
            answers[site] = Message.unpack(answer)
        return answers


def identities(folder: Path) -> dict[str, Identity]:
    """Make an authority and a certificate for each site."""
    authority = make_authority(folder, "benchmark", now())
    return {
        name: Identity(
            authority,
            sign_request(authority, make_request(folder, name), now()),
            folder / f"{name}.key",
        )
        for name in NAMES
    }


def plan_like(data: Dataset, task: Task, window: int, seed: int, **more: object) -> Plan:
    """Return a plan that asks for the columns of a data set."""
    assert data.target is not None
    return plan_of(
        {
            "federation": data.name,
            "task": task.value,
            "target": {
                "name": data.target.name,
                "unit": data.target.unit,
                "classes": data.target.classes,
            },
            "columns": [
                {"name": c.name, "unit": c.unit, "kind": c.kind.value} for c in data.columns
            ],
            "window": window,
            "sites": NAMES,
            "seed": seed,
            **more,
        },
        data.name,
    )


def fitted(total: Total, plan: Plan) -> dict[str, FederatedModel]:
    """Fit both recipes over whatever a total adds up."""
    design = plan.design()
    view = design.view()
    standards, rows, _ = standards_of(total, design, view)
    line = line_of(total, design, view, standards)
    network = network_of(total, design, line, float(rows[0]))
    return {"line": limited(total, design, line), "network": limited(total, design, network)}


def stretches(data: Dataset, count: int, held: float = 0.15) -> list[dict[str, Dataset]]:
    """Part rows into stretches of time, one for each site, the newest of each held out."""
    parts = []
    for rows in np.array_split(np.arange(data.rows), count):
        cut = round(len(rows) * (1 - held))
        parts.append({"train": data.take(rows[:cut]), "held": data.take(rows[cut:])})
    return parts


def now() -> dt.datetime:
    """Return the moment, UTC."""
    return dt.datetime.now(dt.UTC)
