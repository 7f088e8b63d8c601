"""Set-points above the regulatory loops of the Tennessee Eastman plant, learned and held.

``python -m benchmarks.tennessee_eastman_control --install`` once (it needs a C compiler), then
``python -m benchmarks.tennessee_eastman_control [--disturbances 1-20] [--hours 24] [--seeds 1]``.

The plant is tep-studio's (Downs & Vogel 1993, as revised by Bathelt, Ricker & Jelali 2015), and the
reference its decentralized controller (Ricker 1996) at the base case. Genba leaves these loops as
they are, and moves six of their set-points; the demands, production and %G, stay as they were. It
knows limits and ranges, and learns the rest: from the reference's own runs under the disturbances,
what they do to everything that has a limit; from designed steps of an undisturbed plant, what
set-points do. Then it is judged with other seeds: both settle for two days, a disturbance begins
and stays, and the next hours count, by the noise-free operating cost, which nobody but the judge
sees. The known optimum for this production (Ricker 1995, "Optimal steady-state operation of the
Tennessee Eastman challenge process", mode 1: 114 $/h against 170 $/h) was not used.

``--out FILE`` keeps what was run, one JSON object a line; what is there is not run again.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.process_control.peer import HERE
from benchmarks.process_control.tep import PYTHON, SHUTDOWN, Shown, Tep
from genba.control.steady import Handle, Keep
from genba.control.steady_climb import Climb, Pace
from genba.control.steady_hold import Caution, Holder, Watch

LEARN_RUNS, LEARN_STEPS, FIRST_JUDGED = 101, 102, 11
"""Seeds of what is learned from; judged are 11, 12, ... (1 served to find the pace of moves)."""
CAUTION = Caution(out_h=12.0, back_h=6.0)
"""A way back within an hour drained the stripper, whose level a slow loop holds."""
GOVERNED = ("reactor_pressure", "reactor_level", "reactor_temperature")
"""What has a shutdown limit and is moved by the set-points; the other two levels are not."""
STEP_H, SETTLE_H, RAMP_H, HOLD_H, LOOK_H = 0.1, 24.0, 3.0, 14.0, 5.0
PACE = Pace(rounds=3, reach=3.0)
HANDLES = (
    Handle("reactor_pressure", 2600.0, 2895.0, 40.0),
    Handle("reactor_level", 50.0, 90.0, 4.0),
    Handle("reactor_temperature", 118.0, 126.0, 0.5),
    Handle("compressor_recycle_valve", 0.0, 100.0, 6.0),
    Handle("stripper_steam_valve", 0.0, 100.0, 12.0),
    Handle("reactor_agitator_speed", 20.0, 100.0, 12.0),
)
NORMAL = {
    "reactor_pressure": (-np.inf, 2895.0),
    "reactor_level": (50.0, 100.0),
    "reactor_temperature": (-np.inf, 150.0),
    "separator_level": (30.0, 100.0),
    "stripper_level": (30.0, 100.0),
}
"""Downs & Vogel 1993, table 6: normal operating limits."""
PRODUCT, RATE = "stripper_underflow_G_concentration", "stripper_underflow"
FREE_VALVES = ("compressor_recycle_valve", "stripper_steam_valve", "reactor_agitator_speed")
Setting = Callable[[Shown | None], dict[str, float]]


@dataclass(frozen=True)
class Run:
    """One run, judged."""

    arm: str
    seed: int
    disturbance: int
    hours: float
    """Until it ended or shut down."""
    stopped: str | None
    cost: float
    """$/h, without noise."""
    rate: float
    product: float
    outside_h: float
    """Hours with a tenth of an hour's mean outside of the normal limits."""
    off_demand_h: float
    """Hours with production off by 5% or %G by 5 mol%, from before the disturbance."""
    low: dict[str, float]
    high: dict[str, float]
    valve_low: dict[str, float]
    valve_high: dict[str, float]
    retreats: int = 0


class Kept:
    """Results that are not run again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def find(self, **key: Any) -> dict[str, Any] | None:
        found = (row for row in self._rows if all(row.get(k) == v for k, v in key.items()))
        return next(found, None)

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(row) + "\n")


def drive(
    plant: Tep, setting: Setting, hours: float, disturbances: list[int], last: Shown | None = None
) -> list[Shown]:
    rows: list[Shown] = []
    while len(rows) * STEP_H < hours - 1e-9 and not (rows and rows[-1].stopped):
        rows.append(plant.advance(STEP_H, setting(rows[-1] if rows else last), disturbances))
    return rows


def told(arm: str, seed: int, disturbance: int, rows: list[Shown], base: Shown) -> Run:
    """Judge the rows of a run; off demand is counted from what was made before it began."""

    def outside(row: Shown) -> bool:
        return any(not low <= row.means[n] <= high for n, (low, high) in NORMAL.items())

    def off(row: Shown) -> bool:
        rate = abs(row.means[RATE] / base.means[RATE] - 1) > 0.05
        return rate or abs(row.means[PRODUCT] - base.means[PRODUCT]) > 5.0

    hours = sum(row.hours for row in rows)
    return Run(
        arm, seed, disturbance, hours, rows[-1].stopped, sum(row.cost for row in rows) / hours,
        float(np.mean([row.means[RATE] for row in rows])),
        float(np.mean([row.means[PRODUCT] for row in rows])),
        sum(row.hours for row in rows if outside(row)), sum(row.hours for row in rows if off(row)),
        {n: min(row.low[n] for row in rows) for n in rows[0].low},
        {n: max(row.high[n] for row in rows) for n in rows[0].high},
        {n: min(row.valves[n] for row in rows) for n in rows[0].valves},
        {n: max(row.valves[n] for row in rows) for n in rows[0].valves},
    )  # fmt: skip


def arm(
    kept: Kept, name: str, seed: int, wanted: list[int], hours: float, interval_h: float,
    make: Callable[[dict[str, float]], tuple[Setting, Callable[[], int], Callable[[], None]]],
) -> list[Run]:  # fmt: skip
    """Settle once, then run each disturbance from there; 0 stands for none."""
    key = {"arm": name, "seed": seed, "asked_h": hours, "interval_h": interval_h}
    missing = [d for d in wanted if kept.find(**key, disturbance=d) is None]
    if missing:
        plant = Tep()
        try:
            setting, retreats, again = make(plant.start(seed, interval_h))
            settled = drive(plant, setting, 2 * SETTLE_H, [])
            if settled[-1].stopped:
                raise RuntimeError(
                    f"{name} shut down before it was disturbed: {settled[-1].stopped}"
                )
            base = middle(settled[-100:])
            plant.keep()
            for disturbance in missing:
                plant.back()
                again()
                rows = drive(
                    plant, setting, hours, [disturbance] if disturbance else [], settled[-1]
                )
                run = told(name, seed, disturbance, rows, base)
                row = asdict(run) | key | {"retreats": retreats()}
                kept.add(row)
                print(f"  {line(row)}", flush=True)
        finally:
            plant.close()
    fields = Run.__dataclass_fields__
    found = [kept.find(**key, disturbance=d) for d in wanted]
    return [Run(**{k: v for k, v in row.items() if k in fields}) for row in found if row]


def middle(rows: list[Shown]) -> Shown:
    """Join rows to their mean."""

    def mean(dicts: list[dict[str, float]]) -> dict[str, float]:
        return {name: float(np.mean([one[name] for one in dicts])) for name in dicts[0]}

    return Shown(
        rows[-1].time_h, sum(row.hours for row in rows), mean([r.means for r in rows]),
        mean([r.valves for r in rows]), mean([r.low for r in rows]), mean([r.high for r in rows]),
        float(np.mean([r.measured for r in rows])), sum(r.cost for r in rows), rows[-1].stopped,
    )  # fmt: skip


def line(row: dict[str, Any]) -> str:
    end = f"shut down after {row['hours']:.1f} h ({row['stopped']})" if row["stopped"] else "ran on"
    return (
        f"{row['arm']}, seed {row['seed']}, disturbance {row['disturbance']}: {end}, "
        f"{row['cost']:.1f} $/h, {row['rate']:.2f} m3/h, %G {row['product']:.2f}, "
        f"{row['outside_h']:.1f} h outside of normal limits, {row['off_demand_h']:.1f} h off "
        f"demand, {row['retreats']} retreats"
    )


def plain(
    start: dict[str, float],
) -> tuple[Setting, Callable[[], int], Callable[[], None]]:
    return (lambda shown: start), (lambda: 0), (lambda: None)


def margins(quiet: Run, runs: list[Run]) -> tuple[dict[str, float], dict[str, float]]:
    """What disturbances did beyond an undisturbed run: the most to signals, usually to valves."""
    alive = [run for run in runs if not run.stopped]
    signals = {
        name: max(0.0, *(run.high[name] - quiet.high[name] for run in alive)) for name in SHUTDOWN
    }
    valves = {
        name: float(
            np.quantile([
                max(run.valve_high[name] - quiet.valve_high[name],
                    quiet.valve_low[name] - run.valve_low[name]) for run in alive
            ], 0.5)
        )
        for name in quiet.valve_low if name not in FREE_VALVES
    }  # fmt: skip
    return signals, valves


def keeps_of(signals: dict[str, float], valves: dict[str, float], base: Shown) -> list[Keep]:
    """Limits of means: normal ones, and stops of valves, less what disturbances did."""
    keeps = []
    for name in GOVERNED:
        low, high = NORMAL[name]
        keeps.append(Keep(name, low + signals[name], high - signals[name]))
    keeps += [Keep(name, 3.0 + wide, 97.0 - wide) for name, wide in valves.items()]
    keeps.append(Keep(PRODUCT, base.means[PRODUCT] - 2.5, base.means[PRODUCT] + 2.5))
    return keeps


def learned(kept: Kept, interval_h: float) -> dict[str, Any]:
    """Climb on an undisturbed plant; give the set-points and what it rests at."""
    if (found := kept.find(learned=True, interval_h=interval_h)) is not None:
        return found
    runs = arm(kept, "reference", LEARN_RUNS, list(range(21)), 24.0, interval_h, plain)
    plant, seed = Tep(), LEARN_STEPS
    start = plant.start(seed, interval_h)
    try:
        base = middle(drive(plant, lambda _: start, SETTLE_H, [])[-100:])
        signals, valves = margins(runs[0], runs[1:])
        keeps = keeps_of(signals, valves, base)
        names = ["cost", *(keep.name for keep in keeps)]
        u = np.array([start[handle.name] for handle in HANDLES])
        climb, spent, stops = Climb(HANDLES, keeps, names, "cost", u, PACE), SETTLE_H, 0
        while (wanted := climb.next()) is not None:
            rows, why = held(plant, start, u, wanted)
            spent += len(rows) * STEP_H
            u = wanted
            if why:
                climb.refused(why)
                if rows[-1].stopped:
                    stops, seed = stops + 1, seed + 1
                    plant.start(seed, interval_h)
                    u = np.array([start[handle.name] for handle in HANDLES])
            else:
                seen = middle(rows[-round(LOOK_H / STEP_H) :])
                climb.told({"cost": seen.measured, **seen.means, **seen.valves})
                print(
                    f"    {spent:.0f} h: {seen.measured:.1f} $/h at {wanted.round(1)}", flush=True
                )
        for text in climb.told_of:
            print(f"    {text}")
        rest = dict(zip(names, climb.shown.tolist(), strict=True))  # type: ignore[union-attr]
        row = {
            "learned": True, "interval_h": interval_h, "at": climb.at.tolist(), "rest": rest,
            "spent_h": spent, "stops": stops, "told": climb.told_of, "margins": signals | valves,
        }  # fmt: skip
        kept.add(row)
        return row
    finally:
        plant.close()


def named(start: dict[str, float], u: np.ndarray) -> dict[str, float]:
    return {
        **start,
        **{h.name: float(value) for h, value in zip(HANDLES, u, strict=True)},
    }


def held(
    plant: Tep, start: dict[str, float], before: np.ndarray, wanted: np.ndarray
) -> tuple[list[Shown], str]:
    """Ramp to set-points and hold them; give up where a limit gets near."""
    rows: list[Shown] = []
    for k in range(round(HOLD_H / STEP_H)):
        share = min(1.0, (k + 1) * STEP_H / RAMP_H)
        rows.append(plant.advance(STEP_H, named(start, before + share * (wanted - before))))
        if rows[-1].stopped:
            return rows, rows[-1].stopped
        for name, (low, high) in SHUTDOWN.items():
            room = 40.0 if name == "reactor_pressure" else 2.0
            if rows[-1].high[name] > high - room or rows[-1].low[name] < low + room:
                return rows, f"{name} came near its limit"
    return rows, ""


def supervised(found: dict[str, Any]) -> Callable[..., Any]:
    def make(
        start: dict[str, float],
    ) -> tuple[Setting, Callable[[], int], Callable[[], None]]:
        best, rest = np.array(found["at"]), found["rest"]
        u = np.array([start[handle.name] for handle in HANDLES])
        watches = [Watch(n, rest[n], SHUTDOWN[n][0], SHUTDOWN[n][1], start[n]) for n in GOVERNED]
        holder = [Holder(u, best, watches, CAUTION)]

        def setting(shown: Shown | None) -> dict[str, float]:
            if shown is None:
                return start
            return named(start, holder[0].choose(STEP_H, shown.low, shown.high))

        def again() -> None:
            holder[0] = Holder(u, best, watches, CAUTION)
            holder[0].share = 1.0

        return setting, (lambda: holder[0].retreats), again

    return make


def judged(reference: list[Run], own: list[Run]) -> bool:
    survived = [(r, o) for r, o in zip(reference, own, strict=True) if not r.stopped]
    lost = [o.disturbance for r, o in survived if o.stopped]
    fell = [r.disturbance for r in reference if r.stopped]
    saved = [
        o.disturbance for r, o in zip(reference, own, strict=True) if r.stopped and not o.stopped
    ]
    change = np.array([o.cost - r.cost for r, o in survived])
    print(f"  the reference shuts down under {fell or 'none'}; Genba survives {saved or 'none'}")
    print(f"  Genba shuts down where the reference does not: {lost or 'never'}")
    costs = np.mean([[r.cost, o.cost] for r, o in survived], axis=0)
    print(
        f"  cost {costs[1]:.1f} against {costs[0]:.1f} $/h; paired {change.mean():+.1f} "
        f"({change.min():+.1f} to {change.max():+.1f}), lower in {(change < 0).sum()} of "
        f"{len(change)}; outside of normal limits {sum(o.outside_h for _, o in survived):.1f} "
        f"against {sum(r.outside_h for r, _ in survived):.1f} h, off demand "
        f"{sum(o.off_demand_h for _, o in survived):.1f} against "
        f"{sum(r.off_demand_h for r, _ in survived):.1f} h"
    )
    return not lost and bool((change < 0).all())


def install() -> None:
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PYTHON.parent.parent)], check=True)
    wanted = HERE / "tep.txt"
    subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", "-r", str(wanted)], check=True)


def numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    if not all(1 <= number <= 20 for number in found):
        raise argparse.ArgumentTypeError("disturbances are 1 to 20, as in 1-20 or 1,4,6-8")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="install tep-studio and end")
    parser.add_argument("--disturbances", type=numbers, default=list(range(1, 21)))
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--interval", type=float, default=0.002, help="of the loops, in hours")
    parser.add_argument("--out", type=Path, help="keep results here, and do not run them again")
    args = parser.parse_args()
    if args.install:
        install()
        return 0
    kept = Kept(args.out)
    found = learned(kept, args.interval)
    pairs = zip(HANDLES, found["at"], strict=True)
    print(f"learned in {found['spent_h']:.0f} h, {found['stops']} shutdowns: "
          + ", ".join(f"{handle.name} {value:.4g}" for handle, value in pairs))  # fmt: skip
    good = []
    for seed in range(FIRST_JUDGED, FIRST_JUDGED + args.seeds):
        print(f"seed {seed}")
        common = (kept, seed, args.disturbances, args.hours, args.interval)
        own = arm(kept, "genba", *common[1:], supervised(found))
        reference = arm(kept, "reference", *common[1:], plain)
        good.append(judged(reference, own))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
