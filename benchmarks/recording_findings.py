"""How often is a healthy recording of a process called wrong, and how often is a fault found?

``python -m benchmarks.recording_findings [--count 200] [--faults 20] [--physics heated_body ...]``

Machines of each physics of the house are drawn (parameters, noise, drift, coarse displays,
operating points, how set-points move; 480 rows each) and examined as ``genba twin learn`` does.
Then faults are put into others. Counted are recordings with each finding. Simulated processes,
synthetic data.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from tests.twin.process.findings.recordings import STEP_S, healthy, model_of, spoiled, told

from genba.twin.process import Episode
from genba.twin.process.findings import mistaken, seen_in, spoilt

BAR = 0.02
FIRST_SEED, FIRST_FAULTY = 1000, 50_000
Fault = Callable[[np.ndarray, np.ndarray, np.ndarray], None]


def exchange(a: int, b: int) -> Fault:
    def fault(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, [a, b]] = shown[:, [b, a]]

    return fault


def scaled(place: int, scale: float, shift: float = 0.0) -> Fault:
    def fault(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
        shown[:, place] = scale * shown[:, place] + shift

    return fault


def frozen(_: np.ndarray, __: np.ndarray, shown: np.ndarray) -> None:
    shown[200:330, 0] = shown[200, 0]


def instead_of_set_point(u: np.ndarray, _: np.ndarray, shown: np.ndarray) -> None:
    u[:, 0], shown[:, 0] = shown[:, 0].copy(), u[:, 0].copy()


FAULTS: dict[str, dict[str, tuple[str, Fault]]] = {
    "heated_body": {
        "temperature frozen": ("frozen", frozen),
        "temperature in degrees Fahrenheit": ("unit", scaled(0, 1.8, 32.0)),
        "power in watt": ("unit", scaled(1, 1000.0)),
        "power negative": ("sign", scaled(1, -1.0)),
        "set-point and temperature exchanged": ("swapped", instead_of_set_point),
    },
    "furnace_heat": {
        "temperature frozen": ("frozen", frozen),
        "power negative": ("sign", scaled(1, -1.0)),
        "temperature in kelvin": ("unit", scaled(0, 1.0, 273.15)),
    },
    "stirred_reactor": {"temperature in degrees Celsius": ("unit", scaled(1, 1.0, -273.15))},
    "four_tanks": {
        "level frozen": ("frozen", frozen),
        "levels 1 and 3 exchanged": ("swapped", exchange(0, 2)),
        "level 2 in centimeters": ("unit", scaled(1, 100.0)),
    },
}


def found_in(name: str, episode: Episode) -> tuple[set[str], bool]:
    """Give the rules that speak, and whether the recording is refused."""
    recording = told(name, episode)
    found = seen_in(recording)
    if not any(one.rule in ("rows", "missing", "frozen") for one in spoilt(found)):
        found += mistaken(recording)
    return {one.rule for one in found}, bool(spoilt(found))


def main() -> int:
    """Print the tables; 1 if false alarms miss the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--physics", nargs="+", choices=list(STEP_S), default=list(STEP_S))
    arguments = parser.parse_args()
    missed = False
    for name in arguments.physics:
        model_of(name)
        begun, alarms = time.process_time(), Counter[str]()
        for count in range(1, arguments.count + 1):
            alarms.update(found_in(name, healthy(name, FIRST_SEED + count))[0])
            if count % 20 == 0 or count == arguments.count:
                spent = (time.process_time() - begun) / count
                print(f"{name}: {count} healthy, {dict(alarms)}, {spent:.2f} s of CPU", flush=True)
        missed |= any(times > BAR * arguments.count for times in alarms.values())
        for what, (rule, fault) in FAULTS[name].items():
            hit = refused = 0
            for seed in range(FIRST_FAULTY, FIRST_FAULTY + arguments.faults):
                rules, stopped = found_in(name, spoiled(name, seed, fault))
                hit, refused = hit + (rule in rules), refused + stopped
            print(
                f"{name}: {what}: named {hit} of {arguments.faults}, refused {refused}", flush=True
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
