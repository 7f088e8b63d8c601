"""A hub and five sites as processes of the ``genba`` command, over mutual TLS on this computer."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from pyarrow import csv

from benchmarks.learning.federation import NAMES, identities, now, plan_like
from benchmarks.learning.turbofan import engines
from genba.learn.data.dataset import Dataset
from genba.learn.federated.identity import make_request, sign_request
from genba.learn.recipe.protocol import Task
from genba.learn.registry.history import History, What

PORT = 18_443


def run_over_tls(folder: Path, seed: int) -> None:
    """Train on C-MAPSS FD001 once, and print what the hub said and what the sums took."""
    learned, _ = engines(folder, "FD001")
    plan = plan_like(learned, Task.LIFE, 30, seed, bounds=[0, 125], split="unit", wait_s=60)
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        (here / "plan.yaml").write_text(yaml.safe_dump(plan.as_json()))
        rows = {unit: int((learned.units == unit).sum()) for unit in np.unique(learned.units)}
        order = np.array(sorted(rows, key=lambda unit: (rows[unit], unit)))
        for name, own in zip(NAMES, np.array_split(order, len(NAMES)), strict=True):
            _write(learned.take(np.isin(learned.units, own)), here / f"{name}.csv")
        identities(here / "federation")
        hosts = make_request(here / "federation", "hub", ["localhost"])
        sign_request(here / "federation" / "authority.pem", hosts, now())
        begun = time.monotonic()
        hub = _start(here, ["hub", "plan.yaml", "--port", str(PORT), "--state", "hub", "--json"])
        # Where all engines of a site live alike, the cycle tells what is left: the leakage check
        # says so, and the site has to answer for it.
        agree = [f"https://localhost:{PORT}", "--agree", plan.digest()[:16], "--vouch", "cycle"]
        sites = [
            _start(
                here,
                [
                    *("join", *agree, "--json", "--state", name),
                    *("--cert", f"federation/{name}.pem"),
                    *("--file", f"{name}.csv", "--group", "unit=engine"),
                ],
            )
            for name in NAMES
        ]
        while hub.poll() is None and not any(site.poll() for site in sites):
            time.sleep(0.5)
        if hub.poll() is None:
            hub.kill()
        told, errors = hub.communicate()
        spent = time.monotonic() - begun
        for site in sites:
            if hub.returncode:
                site.kill()
            errors += site.communicate()[1]
        if hub.returncode or any(site.returncode for site in sites):
            print(f"over TLS it failed: {errors[-1500:]}")
            return
        _report(json.loads(told), here, spent)


def _report(card: dict[str, object], here: Path, spent: float) -> None:
    events = [
        event
        for event in History(here / "hub" / "federated" / "federation.jsonl").events()
        if event.what is What.SUMMED
    ]
    seconds = [float(event.data["seconds"]) for event in events]
    train = [event for event in events if event.data["kind"] == "train"]
    print(f"\nsix processes over mutual TLS 1.3: {len(events)} sums in {spent:.0f} s of wall clock")
    print(f"  a sum: median {np.median(seconds):.2f} s, longest {max(seconds):.2f} s")
    for what, told in (("any sum", events), ("a round of averaging", train)):
        sent, received = (
            np.median([event.data[way] for event in told]) / len(NAMES) / 1e3
            for way in ("sent", "received")
        )
        print(f"  {what}: {sent:.1f} kB to and {received:.1f} kB from each site (median)")
    rungs = card["rungs"]
    assert isinstance(rungs, list)
    for rung in rungs:
        figures = ", ".join(
            f"{name} {value:.3g}" for name, value in rung["tested"].items() if value is not None
        )
        print(f"  {rung['recipe']:28}{figures}")


def _write(data: Dataset, path: Path) -> None:
    table = {name: data.values[:, place] for place, name in enumerate(data.names)}
    csv.write_csv(pa.table({**table, "RUL": data.labels(), "engine": data.units.tolist()}), path)


def _start(here: Path, words: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "genba", "federate", *words],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
