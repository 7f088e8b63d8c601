"""Calibrates machines: run and set-up times, scrap, stops, power."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from genba.twin.calibrate_stops import calibrate_stops
from genba.twin.distribution import Distribution
from genba.twin.line import Line, Machine, Power, Step, Way
from genba.twin.parameter import Basis, Findings, Parameter, basis_of, kept
from genba.twin.pooling import Pooled, pool
from genba.twin.recording import Activity, Job, Recording

Key = tuple[str, str, str]
"""Product, operation, machine."""

PRIOR_PARTS = 50.0
"""What like ways count for in one way's scrap rate, in parts."""
_LEAST_POWER_S = 120.0
"""Time in a state from which on its power is believed: the counter moves in steps."""

_POWER_OF: Mapping[str, tuple[Activity, ...]] = {
    "off": (Activity.OFF,),
    "idle": (Activity.IDLE, Activity.WAIT, Activity.CHANGE, Activity.HELD),
    "setup": (Activity.SETUP,),
    "run": (Activity.RUN,),
    "down": (Activity.DOWN, Activity.SERVICE),
}


def calibrate_machines(line: Line, recording: Recording, found: Findings) -> Line:
    """Return the line with machines and ways as they were recorded."""
    kinds = {unit.id: unit.kind or unit.id for unit in recording.plant.equipment}
    ways = dict(line.ways)
    _run_factors(line, ways, recording, kinds, found)
    _overheads(line, ways, recording, found)
    _scrap(line, ways, recording, kinds, found)
    _run_power(line, ways, recording, found)
    machines = {machine.id: machine for machine in line.machines}
    _setups(machines, recording, kinds, found)
    calibrate_stops(machines, recording, kinds, found)
    for machine in line.machines:
        power = _power(machine, recording, found)
        machines[machine.id] = replace(machines[machine.id], power=power)
    return line.with_ways(ways).with_machines(machines)


# -- run times ------------------------------------------------------------------------------------


def _run_factors(
    line: Line,
    ways: dict[Key, Way],
    recording: Recording,
    kinds: Mapping[str, str],
    found: Findings,
) -> None:
    """Real over planned run time per job; groups are one operation on machines of one kind."""
    steps = {(p.id, s.operation): s for p in line.products for s in p.steps}
    ratios: dict[Key, list[float]] = defaultdict(list)
    for job in recording.jobs:
        key = (job.product, job.operation, job.machine)
        if key in ways and _is_whole(job):
            planned = ways[key].cycle_s * _cycles(job, steps[key[:2]])
            if job.spent_s[Activity.RUN] > 0:
                ratios[key].append(job.spent_s[Activity.RUN] / planned)

    def group(key: Key) -> tuple[str, str]:
        return key[1], kinds.get(key[2], key[2])

    for members in _groups(ways, group):
        pooled = pool({k: ratios[k] for k in members if k in ratios}, members, found.next_seed())
        for key in members:
            planned = ways[key].factor.mean
            changed = _noted(found, "/".join(key), "run factor", "1", planned, pooled.get(key))
            if changed is not None:
                ways[key] = replace(ways[key], factor=changed, part_cv=0.0)


def _is_whole(job: Job) -> bool:
    """Whether all parts were worked on: a job that was given up says little of a part's time."""
    return job.good + job.scrap >= job.parts > 0


def _cycles(job: Job, step: Step) -> int:
    return job.parts if step.batch_parts is None else -(-job.parts // step.batch_parts)


def _groups(ways: Iterable[Key], group: Callable[[Key], tuple[str, str]]) -> list[list[Key]]:
    groups: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in sorted(ways):
        groups[group(key)].append(key)
    return [groups[name] for name in sorted(groups)]


def _noted(
    found: Findings, thing: str, name: str, unit: str, planned: float | None, got: Pooled | None
) -> Distribution | None:
    """Note a pooled fit, or that nothing was recorded; return what to draw from."""
    if got is None:
        found.add(kept(thing, name, unit, planned, "never recorded, nor anything like it"))
        return None
    new = got.fit.distribution
    basis = basis_of(got.own, got.like, got.weight)
    note = got.fit.note
    if basis is Basis.SHRUNK:
        note = f"{got.weight:.0%} its own mean; {note}" if note else f"{got.weight:.0%} its own"
    found.add(
        Parameter(thing, name, unit, basis, planned, new.mean, got.own, got.like, got.fit, note)
    )
    return new


def _overheads(line: Line, ways: dict[Key, Way], recording: Recording, found: Findings) -> None:
    """Time per job that a machine takes to take a job up and let it go, by machine."""
    for machine in line.machines:
        spent = _change_s(machine.id, recording)
        mine = [key for key in ways if key[2] == machine.id]
        planned = ways[mine[0]].overhead_s.mean if mine else None
        pooled = pool({machine.id: spent}, [machine.id], found.next_seed())
        changed = _noted(found, machine.id, "time per job", "s", planned, pooled.get(machine.id))
        if changed is not None:
            for key in mine:
                ways[key] = replace(ways[key], overhead_s=changed)


def _change_s(machine: str, recording: Recording) -> list[float]:
    """Seconds of taking up and letting go from the begin of each job to that of the next one."""
    begins = np.array([j.start for j in recording.jobs if j.machine == machine], dtype=np.int64)
    begins.sort()
    total = np.zeros(max(len(begins) - 1, 0))
    down = False
    for piece in recording.pieces.get(machine, ()):
        after_stop = down and piece.activity in (Activity.CHANGE, Activity.OFF, Activity.IDLE)
        down = piece.activity in (Activity.DOWN, Activity.OFF) or after_stop
        index = int(np.searchsorted(begins, piece.start, side="right")) - 1
        if piece.activity is Activity.CHANGE and not after_stop and 0 <= index < len(total):
            total[index] += piece.length_s
    return [s for s in total.tolist() if s > 0]


# -- set-ups --------------------------------------------------------------------------------------


def _setups(
    machines: dict[str, Machine],
    recording: Recording,
    kinds: Mapping[str, str],
    found: Findings,
) -> None:
    """Real over planned set-up time, without the time until somebody came."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for job in recording.jobs:
        real = job.spent_s[Activity.SETUP]
        if job.planned_setup_s > 0 and real > 0:
            ratios[job.machine].append(real / job.planned_setup_s)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(machines):
        groups[kinds.get(name, name)].append(name)
    for members in groups.values():
        pooled = pool({m: ratios[m] for m in members if m in ratios}, members, found.next_seed())
        for name in members:
            if not any(machines[name].setups.values()):
                continue
            planned = machines[name].setup_factor.mean
            changed = _noted(found, name, "set-up factor", "1", planned, pooled.get(name))
            if changed is not None:
                machines[name] = replace(machines[name], setup_factor=changed)


# -- scrap ----------------------------------------------------------------------------------------


def _scrap(
    line: Line,
    ways: dict[Key, Way],
    recording: Recording,
    kinds: Mapping[str, str],
    found: Findings,
) -> None:
    """Share of scrapped parts, those that breakdowns spoiled left out (beta prior of like ways)."""
    counts: dict[Key, list[int]] = {key: [0, 0] for key in ways}
    for job in recording.jobs:
        key = (job.product, job.operation, job.machine)
        if key in counts and _is_whole(job):
            counts[key][0] += max(0, job.scrap - job.spoiled)
            counts[key][1] += job.parts

    def group(key: Key) -> tuple[str, str]:
        return key[1], kinds.get(key[2], key[2])

    for members in _groups(line.ways, group):
        bad, all_parts = (sum(counts[k][i] for k in members) for i in (0, 1))
        for key in members:
            thing, planned = "/".join(key), ways[key].scrap
            if all_parts == 0:
                found.add(kept(thing, "scrap", "1", planned, "never recorded, nor anything like"))
                continue
            own_bad, own = counts[key]
            rate = (own_bad + PRIOR_PARTS * bad / all_parts) / (own + PRIOR_PARTS)
            basis = basis_of(own, all_parts - own, own / (own + PRIOR_PARTS))
            note = f"{own_bad} of {own} parts; like ways {bad} of {all_parts}"
            like = all_parts - own
            found.add(Parameter(thing, "scrap", "1", basis, planned, rate, own, like, None, note))
            ways[key] = replace(ways[key], scrap=rate)


# -- power ----------------------------------------------------------------------------------------


def _power(machine: Machine, recording: Recording, found: Findings) -> Power:
    seconds, energy = recording.seconds(machine.id), recording.energy_kwh(machine.id)
    metered = sum(energy.values()) > 0
    values: dict[str, float] = {}
    for name, activities in _POWER_OF.items():
        planned = float(getattr(machine.power, name))
        spent = sum(seconds[a] for a in activities)
        used = sum(energy[a] for a in activities)
        if not metered or spent < _LEAST_POWER_S:
            why = "no energy meter said anything" if not metered else f"only {spent:.0f} s of it"
            found.add(kept(machine.id, f"power {name}", "kW", planned, why))
            continue
        values[name] = used / spent * 3600.0
        note = f"{used:.1f} kWh in {spent / 3600:.1f} h"
        found.add(
            Parameter(
                machine.id, f"power {name}", "kW", Basis.OWN, planned, values[name], 1, note=note
            )
        )
    return replace(machine.power, **values)


def _run_power(line: Line, ways: dict[Key, Way], recording: Recording, found: Findings) -> None:
    """Mean power of each way while it runs."""
    used: dict[Key, list[Job]] = defaultdict(list)
    for job in recording.jobs:
        used[job.product, job.operation, job.machine].append(job)
    for key in sorted(line.ways):
        jobs: Sequence[Job] = used.get(key, ())
        run_s = sum(j.spent_s[Activity.RUN] for j in jobs)
        kwh = sum(j.run_kwh for j in jobs)
        if run_s < _LEAST_POWER_S or kwh <= 0:
            continue  # the machine's mean stands in, which has its own line
        kw = kwh / run_s * 3600.0
        found.add(
            Parameter("/".join(key), "run power", "kW", Basis.OWN, ways[key].run_kw, kw, len(jobs))
        )
        ways[key] = replace(ways[key], run_kw=kw)
