"""Made-up sites that have different rows of one process, and a federation of them over HTTPS."""

import datetime as dt
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.candidate import Candidate
from genba.learn.data.column import Column
from genba.learn.data.dataset import Dataset
from genba.learn.data.lineage import Lineage
from genba.learn.data.target import Target
from genba.learn.federated.client import Line, take_part
from genba.learn.federated.gathering import Asked
from genba.learn.federated.identity import Identity
from genba.learn.federated.message import Message
from genba.learn.federated.plan import Plan, plan_of
from genba.learn.federated.run import Ears, run_hub
from genba.learn.federated.site import Site, ready

SITES = ("east", "mid", "north", "south", "west")
COLUMNS = (("temperature", "Cel"), ("pressure", "bar"), ("speed", "/min"))
MINUTE_US = 60_000_000


def rows_of(site: str, seed: int = 0, rows: int = 260, kind: str = "number") -> Dataset:
    """Each site runs its machine at another level, so that one alone knows little of the whole."""
    level = SITES.index(site) - 2
    random = np.random.default_rng((seed, level + 5))
    values = random.normal(0, 1, (rows, 3)) * [2.0, 0.1, 15.0]
    values += [60 + 5 * level, 2.0, 900 + 40 * level]
    standard = (values - [60, 2.0, 900]) / [5.0, 0.3, 40.0]
    noise = random.normal(0, 1.0, rows)
    raw = standard[:, 0] + 0.5 * standard[:, 1] - 0.8 * standard[:, 2] + noise
    target = Target("lab", raw, "%")
    if kind == "two":
        target = Target("lab", (raw > 0.4).astype(float), classes=("good", "bad"))
    if kind == "many":
        classes = np.digitize(raw, [-0.6, 0.6]).astype(float)
        target = Target("lab", classes, classes=("low", "usual", "high"))
    columns = tuple(Column(name, unit) for name, unit in COLUMNS)
    time = np.arange(rows) * MINUTE_US
    return Dataset(site, columns, values, time, Lineage("made", seed=seed), target=target)


def plan_for(kind: str = "number", **more: Any) -> Plan:
    """A plan of quick sums."""
    task = "softsensor" if kind == "number" else "quality"
    classes = {"number": (), "two": ("good", "bad"), "many": ("low", "usual", "high")}[kind]
    told = {
        "federation": "test works",
        "task": task,
        "target": {"name": "lab", "unit": "1" if classes else "%", "classes": classes},
        "columns": [{"name": name, "unit": unit} for name, unit in COLUMNS],
        "sites": SITES,
        "network": {"hidden": 4, "rounds": 2, "epochs": 1, "rate": 0.01},
        "wait_s": 20,
        "gather_s": 20,
        **more,
    }
    return plan_of(told, "the test plan")


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def listening(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


@dataclass
class Federation:
    """A hub and sites, each in a thread of its own, over real TLS."""

    plan: Plan
    made: Mapping[str, Identity]
    folder: Path
    data: Callable[[str], Dataset] = rows_of
    wrapped: Callable[[Site], Site] = lambda site: site
    sums: list[Asked] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    results: dict[str, Message] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    on_sum: Callable[[Asked], None] = lambda asked: None
    killed: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def site(self, name: str) -> Site:
        worker = ready(self.plan, self.data(name), name)
        folder = self.folder / name
        return self.wrapped(Site(self.plan, worker, self.made[name], folder, now))

    def join(self, name: str, url: str, patience_s: float = 20.0) -> None:
        def run() -> None:
            line = Line(url, self.made[name])
            try:
                site = self.site(name)
                commitment = site.commitment(self.data(name).digest())
                self.results[name] = take_part(line, site, commitment, patience_s=patience_s)
            except LearnError as error:
                self.errors[name] = str(error)
            except Exception:  # noqa: BLE001 - a test let it end
                self.killed.append(name)
            finally:
                line.close()

        thread = threading.Thread(target=run, daemon=True)
        self.threads.append(thread)
        thread.start()

    def run(self, listener: socket.socket | None = None, join: bool = True) -> Candidate:
        listener = listener or listening()
        url = f"https://localhost:{listener.getsockname()[1]}"
        if join:
            listener.listen()
            for name in self.plan.sites:
                self.join(name, url)

        def asked(one: Asked) -> None:
            self.sums.append(one)
            self.on_sum(one)

        ears = Ears(self.heard.append, asked)
        try:
            return run_hub(self.plan, self.made["hub"], listener, self.folder / "hub", now, ears)
        finally:
            if join:
                for thread in self.threads:
                    thread.join(20)
