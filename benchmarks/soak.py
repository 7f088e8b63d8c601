"""Hours of a whole plant: do memory, files and threads stay flat, and does the loop keep time?

``python -m benchmarks.soak --hours 8 --speed 10``

The reference plant is served over its real protocols, and a whole ``genba run`` runs it, as two
processes of ``genba demo``. Every minute the core's process, its committer and its health are
looked at. The slope is the median of the slopes between all pairs of looks in the last half
(Theil-Sen), so that single outliers do not count. Of memory it is that of what is private to the
process: pages of libraries' code come as they are used, are shared, and go when room is scarce.
Simulated plant; ``--hours`` are hours of the wall clock, ``--speed`` is how much faster the plant's
clock goes.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from genba.operate.identity import Identities, PersonRole

MB = 1e6
MEMORY_BAR_MB_H = 1.0
"""MB an hour, of the core; what is less would take months to be felt."""
COUNT_BAR_H = 0.5
LATE_BAR = 0.10
"""p99 of the ticks' lateness, as a part of the period."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment; times in seconds since the start."""

    at_s: float
    rss_mb: float
    committer_mb: float
    private_mb: float
    committer_private_mb: float
    files: int
    threads: int
    late_p99_ms: float
    tick_s: float
    missed: int
    acknowledged: int
    spool_mb: float
    status: str


def _private_mb(process: psutil.Process) -> float:
    """Memory that no file stands behind; code of libraries, shared and given back, left out."""
    memory = process.memory_info()
    return float(memory.rss - memory.shared) / MB


def slope_h(looks: Sequence[Look], name: str) -> float:
    """Return the Theil-Sen slope of a figure, per hour."""
    points = [(look.at_s / 3600, float(getattr(look, name))) for look in looks]
    pairs = itertools.combinations(points, 2)
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)


class Soak:
    """One run: starts the plant and Genba, looks, and ends both."""

    def __init__(self, folder: Path, hours: float, speed: float) -> None:
        self._folder = folder
        plant_hours = hours * speed
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "genba", "demo", "--dir", str(folder)),
                *("--hours", f"{plant_hours:g}", "--speed", f"{speed:g}"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._began = time.monotonic()
        self._token = ""
        self._url = ""

    @property
    def over(self) -> bool:
        """Whether the shift ended."""
        return self._process.poll() is not None

    def ready(self) -> None:
        """Wait until the API answers, and get a token for it."""
        log = self._folder / "genba.log"
        deadline = time.monotonic() + 180
        while "/api/v1" not in (log.read_text() if log.exists() else ""):
            if self.over or time.monotonic() > deadline:
                sys.exit(f"the plant did not start: {self._process.stderr.read()}")
            time.sleep(0.2)
        self._url = log.read_text().partition("API at ")[2].split()[0].rstrip(".")
        secrets = self._folder / "state" / "secrets"
        self._token = Identities(secrets).create("soak", PersonRole.VIEWER)

    def look(self) -> Look | None:
        """Look once; nothing when the core has just ended."""
        try:
            health = self._health()
            core, committer = self._core()
            spool = self._folder / "state" / "historian"
            with core.oneshot():
                return Look(
                    time.monotonic() - self._began,
                    core.memory_info().rss / MB,
                    0.0 if committer is None else committer.memory_info().rss / MB,
                    _private_mb(core),
                    0.0 if committer is None else _private_mb(committer),
                    core.num_fds(),
                    core.num_threads(),
                    float(health["loop"].get("late_p99_ms", 0.0)),
                    float(health["loop"]["tick_s"]),
                    int(health["loop"]["missed"]),
                    int(health["historian"]["acknowledged"]),
                    sum(path.stat().st_size for path in spool.glob("spool.sqlite*")) / MB,
                    str(health["status"]),
                )
        except (httpx.HTTPError, psutil.Error, OSError, StopIteration):
            return None

    def _health(self) -> Any:
        answer = httpx.get(
            f"{self._url}/health",
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=20,
            trust_env=False,
        )
        return answer.raise_for_status().json()

    def _core(self) -> tuple[psutil.Process, psutil.Process | None]:
        children = psutil.Process(self._process.pid).children()
        core = next(child for child in children if "run" in child.cmdline()[3:4])
        return core, next(
            (c for c in core.children() if "genba.historian.committer" in c.cmdline()), None
        )

    def end(self) -> None:
        """Stop all of it."""
        if not self.over:
            self._process.terminate()
        self._process.wait(120)


def main() -> None:
    """Run, print a table and a verdict; exit code 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=0.2, help="of the wall clock; 8 for a soak")
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between looks")
    parser.add_argument("--warm-up", type=float, default=0.5, help="part of the looks left out")
    parser.add_argument("--output", type=Path, help="write all looks as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genba-soak-") as folder:
        soak = Soak(Path(folder) / "demo", given.hours, given.speed)
        try:
            soak.ready()
            looks = _watch(soak, given.every)
        finally:
            soak.end()
    if given.output:
        given.output.write_text(json.dumps([asdict(look) for look in looks], indent=1))
    sys.exit(0 if _verdict(looks, given.warm_up, given.speed) else 1)


def _watch(soak: Soak, every_s: float) -> list[Look]:
    looks: list[Look] = []
    due = time.monotonic() + every_s
    while not soak.over:
        time.sleep(min(0.5, max(0.0, due - time.monotonic())))
        if time.monotonic() >= due:
            due += every_s
            if (look := soak.look()) is not None:
                looks.append(look)
                print(
                    f"{look.at_s:7.0f} s  core {look.rss_mb:6.1f} MB ({look.private_mb:.1f} "
                    f"private)  committer {look.committer_mb:6.1f} MB "
                    f"({look.committer_private_mb:.1f} private)  files {look.files}  "
                    f"threads {look.threads}  late p99 {look.late_p99_ms:.1f} ms  "
                    f"missed {look.missed}  spool {look.spool_mb:.1f} MB  "
                    f"stored {look.acknowledged:,}  {look.status}",
                    flush=True,
                )
    return looks


def _verdict(looks: Sequence[Look], warm_up: float, speed: float) -> bool:
    counted = looks[round(len(looks) * warm_up) :]
    if len(counted) < 3:
        print("too short for a slope: fewer than three looks after the warm-up")
        return False
    span_h = (counted[-1].at_s - counted[0].at_s) / 3600
    late_ms = statistics.median(look.late_p99_ms for look in counted)
    tick_s = counted[-1].tick_s
    rows = [
        ("core, MB per plant hour", slope_h(counted, "private_mb") / speed, MEMORY_BAR_MB_H),
        (
            "committer, MB per plant hour",
            slope_h(counted, "committer_private_mb") / speed,
            MEMORY_BAR_MB_H,
        ),
        ("files per plant hour", slope_h(counted, "files") / speed, COUNT_BAR_H),
        ("threads per plant hour", slope_h(counted, "threads") / speed, COUNT_BAR_H),
        ("late p99 / period", late_ms / (1000 * tick_s / speed), LATE_BAR),
    ]
    print(
        f"\nafter the warm-up, over {span_h:.2f} h at {speed:g} times real time "
        f"({span_h * speed:.1f} h of the plant); late p99 {late_ms:.1f} ms, "
        f"{late_ms / 10 / tick_s:.2f}% of a tick of {tick_s:g} s in real time:"
    )
    for name, value, bar in rows:
        print(f"  {name:<28} {value:10.3f}  bar {bar:g}  {'ok' if value <= bar else 'MISSED'}")
    return all(value <= bar for _, value, bar in rows)


if __name__ == "__main__":
    main()
