"""Readers of public job shop instances, and their best known bounds.

The folder is laid out like ScheduleOpt/benchmarks: ``bks.csv``, ``jsp/`` and ``fjsp/``.
"""

import csv
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genba.plan.shop.shop import Shop, shop_of_modes

FAMILIES = {
    "mk": r"mk(0\d|10)",
    "edata": r".*_edata",
    "rdata": r".*_rdata",
    "vdata": r".*_vdata",
    "ta": r"ta(2[1-9]|3\d|4\d|50)js",
    "dmu": r"dmu(0[1-9]|[123]\d|40)",
    "tai100": r"tai_100_100_\d+",
    "tai1000": r"tai_1000_100_\d+",
    "dct": r"dct-(long|short)-100-10000-\d+",
}
"""Families by name, as patterns of instance names."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A named instance with the best bounds that are known of its makespan."""

    family: str
    name: str
    path: Path
    lower: int
    upper: int

    def shop(self) -> Shop:
        """Read it."""
        return read_shop(self.path)


def instances(data: Path, family: str) -> list[Instance]:
    """Return the instances of a family whose file is there and whose best bounds are known."""
    pattern = re.compile(FAMILIES[family])
    found = []
    with (data / "bks.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            name = line["instance"]
            path = _path(data, line["kind"], name)
            if pattern.fullmatch(name) and path is not None:
                bounds = int(line["lower_bound"]), int(line["upper_bound"])
                found.append(Instance(family, name, path, *bounds))
    return found


def _path(data: Path, kind: str, name: str) -> Path | None:
    base, _, flexibility = name.partition("_")
    places = [data / kind / f"{name}.txt", data / kind / f"{name}.zip"]
    if flexibility:
        places.append(data / kind / f"hurink_{flexibility}" / f"{base}.txt")
    return next((place for place in places if place.exists()), None)


def read_shop(path: Path) -> Shop:
    """Read an instance: flexible where its folder is called so, else a job shop."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
    else:
        text = path.read_text()
    lines = [line for line in text.splitlines() if line.strip()]
    machines = int(lines[0].split()[1])
    flexible = any(part.startswith("fjsp") for part in path.parts)
    read = _flexible_job if flexible else _job
    return shop_of_modes(
        machines, (read([int(word) for word in line.split()]) for line in lines[1:])
    )


def _job(words: list[int]) -> list[list[tuple[int, int]]]:
    """Read machine and ticks by turns; a negative machine ends the line."""
    pairs = zip(words[::2], words[1::2], strict=True)
    return [[(machine, ticks)] for machine, ticks in pairs if machine >= 0]


def _flexible_job(words: list[int]) -> list[list[tuple[int, int]]]:
    """Read the number of operations; of each the number of modes, then machine (from 1), ticks."""
    numbers = iter(words)
    return [list(_modes(numbers)) for _ in range(next(numbers))]


def _modes(numbers: Iterator[int]) -> Iterator[tuple[int, int]]:
    for _ in range(next(numbers)):
        machine = next(numbers)
        yield machine - 1, next(numbers)
