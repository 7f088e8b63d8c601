"""What benchmarks of outages print: how far they are, and what each fault came to."""

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from benchmarks.outage.faults import Happened


class Scored(Protocol):
    """What one receiver made of a run: for each fault the values lost, and seconds until live."""

    @property
    def name(self) -> str: ...
    @property
    def per_fault(self) -> Sequence[tuple[int, float | None]]: ...


def progress(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def show_faults(happened: Sequence[Happened], scores: Sequence[Scored]) -> None:
    names = " | ".join(each.name for each in scores)
    print(f"\n| values lost, live again after | {names} |\n|---|{'---|' * len(scores)}")
    for index, event in enumerate(happened):
        cells = []
        for each in scores:
            lost, live = each.per_fault[index]
            cells.append(f"{lost:,} lost, " + ("never" if live is None else f"{live:.1f} s"))
        print(f"| {event.fault.name} | {' | '.join(cells)} |")
