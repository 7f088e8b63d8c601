"""Write a problem as tables of numbers, for the compiled timing decoder."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genba.plan.problem import Attendance, Mode, Operation, Problem
from genba.plan.timing import columns as c
from genba.plan.timing.stretches import Stretches
from genba.plan.worktime import machine_calendars, open_ticks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MILLIWATTS = 1_000_000
"""Milliwatts of a kilowatt: power is added up in whole numbers, so that order does not matter."""


class Tables(NamedTuple):
    """A problem in numbers. Columns: :mod:`genba.plan.timing.columns`; rows in its order."""

    operations: Ints
    """(operations, O_WIDTH)."""
    ways: Ints
    """(ways, W_WIDTH)."""
    machines: Ints
    """(machines, M_WIDTH)."""
    jobs: Ints
    """(jobs, J_WIDTH)."""
    before: Ints
    """Operations that must end first, row after row; ``before_at`` (operations + 1) tells where."""
    before_at: Ints
    after: Ints
    after_at: Ints
    nodes: Ints
    """Operations that are timed together, chain after chain; ``nodes_at`` (nodes + 1)."""
    nodes_at: Ints
    tools: Ints
    """Pools of the tools of ways."""
    setups: Ints
    """Set-up times of all matrices: for each a row for an unknown family, then one per family."""
    windows: Ints
    """(windows, C_WIDTH); ``windows_at`` (calendars + 1)."""
    windows_at: Ints
    pools: Ints
    """(pools, P_WIDTH): staff groups, tools, power, places, in this order."""
    travel: Ints
    """(kinds, locations, locations) driving ticks, -1 where a kind cannot go."""
    handling: Ints
    """(kinds,)."""
    vehicles: Ints
    """(vehicles, V_WIDTH)."""
    shape: Ints
    """Whether a job does one thing at a time; pool of power; room for the pools' steps."""


def tables_of(problem: Problem) -> Tables:
    """Write an examined problem as tables.

    Returns
    -------
    Tables
        Ready for :mod:`genba.plan.timing.decode`. A job's operations are one *node* from the first
        that may stand at a station with bounded places to the next that may not: they are timed
        together, so that a job never enters a station that it cannot leave.
    """
    return _Writer(problem).tables()


class _Writer:
    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._machine = {m.id: i for i, m in enumerate(problem.machines)}
        self._job = {job.id: i for i, job in enumerate(problem.jobs)}
        self._operation = {o.id: i for i, o in enumerate(problem.operations)}
        self._staff = {group.id: i for i, group in enumerate(problem.staff)}
        first_tool = len(self._staff)
        self._tool = {tool: first_tool + i for i, tool in enumerate(problem.tools)}
        self._power = first_tool + len(self._tool) if problem.energy.cap_kw is not None else -1
        bounded = [m.id for m in problem.machines if m.places is not None]
        first_place = first_tool + len(self._tool) + (self._power >= 0)
        self._places = {machine: first_place + i for i, machine in enumerate(bounded)}
        self._stretches = Stretches(problem)
        self._groups: dict[str, list[str]] = {}
        for group in problem.staff:
            for skill in group.skills:
                self._groups.setdefault(skill, []).append(group.id)
        transport = problem.transport
        self._location = (
            {} if transport is None else {at: i for i, at in enumerate(transport.locations)}
        )
        self._kinds = [] if transport is None else list(transport.times)

    def tables(self) -> Tables:
        problem = self._problem
        machines, setups = self._machines()
        ways, ways_at, tools = self._ways()
        operations = self._operations(ways, ways_at)
        nodes = self._nodes()
        for number, node in enumerate(nodes):
            operations[node, c.O_NODE] = number
        before = [[self._operation[p] for p in o.predecessors] for o in problem.operations]
        after: list[list[int]] = [[] for _ in problem.operations]
        for number, listed in enumerate(before):
            for predecessor in listed:
                after[predecessor].append(number)
        pools, room = self._pools(operations, ways, tools)
        serial = problem.transport is not None or bool(self._places)
        travel, handling, vehicles = self._fleet()
        windows, windows_at = self._stretches.tables()
        return Tables(
            operations,
            ways,
            machines,
            self._jobs(),
            *_rows(before),
            *_rows(after),
            *_rows(nodes),
            tools,
            setups,
            windows,
            windows_at,
            pools,
            travel,
            handling,
            vehicles,
            np.array([serial, self._power, room], dtype=np.int64),
        )

    def _machines(self) -> tuple[Ints, Ints]:
        table = np.full((len(self._machine), c.M_WIDTH), -1, dtype=np.int64)
        times: list[int] = []
        offsets: dict[str, int] = {}
        for matrix in self._problem.setups:
            offsets[matrix.id] = len(times)
            times += [t for row in (matrix.first, *matrix.times) for t in row]
        for row, machine in zip(table, self._problem.machines, strict=True):
            row[c.M_CALENDAR] = self._stretches.of_machine(machine.id)
            row[c.M_FREE] = machine.free_from
            if machine.setup is not None:
                families = self._problem.setups_by_id[machine.setup].families
                row[c.M_MATRIX] = offsets[machine.setup]
                row[c.M_FAMILIES] = len(families)
                if machine.family is not None:
                    row[c.M_FAMILY] = families.index(machine.family)
            row[c.M_NEEDS_JOB] = machine.setup_needs_job
            row[c.M_PLACES] = self._places.get(machine.id, -1)
            row[c.M_LOCATION] = self._location.get(machine.at, -1)
        return table, np.array(times or [0], dtype=np.int64)

    def _ways(self) -> tuple[Ints, list[int], Ints]:
        rows: list[tuple[int, ...]] = []
        at: list[int] = [0]
        tools: list[int] = []
        families = {
            m.id: {f: i for i, f in enumerate(self._problem.setups_by_id[m.setup].families)}
            for m in self._problem.machines
            if m.setup is not None
        }
        nothing: dict[str, int] = {}
        for operation in self._problem.operations:
            for number, mode in enumerate(operation.modes):
                first_tool = len(tools)
                tools += [self._tool[tool] for tool in mode.tools]
                family = (
                    -1
                    if mode.family is None
                    else families.get(mode.machine, nothing).get(mode.family, -1)
                )
                head = (self._machine[mode.machine], mode.ticks, family, number)
                rows += [
                    (*head, *who, first_tool, len(tools), *when)
                    for who, when in self._attended(mode)
                ]
            at.append(len(rows))
        table = np.array(rows, dtype=np.int64).reshape(len(rows), c.W_WIDTH)
        return table, at, np.array(tools or [0], dtype=np.int64)

    def _attended(self, mode: Mode) -> Iterator[tuple[tuple[int, int, int], tuple[int, int, int]]]:
        """Yield (staff pool, whole, power) and (calendars of set-up, work, all) for each group."""
        own = self._stretches.of_machine(mode.machine)
        power = round(mode.power_kw * MILLIWATTS)
        if mode.skill is None:
            yield (-1, 0, power), (own, own, own)
            return
        for group in self._groups.get(mode.skill, []):
            both = self._stretches.of_machine(mode.machine, group)
            whole = mode.attendance is Attendance.WHOLE
            calendars = (both, both, both) if whole else (both, own, own)
            yield (self._staff[group], int(whole), power), calendars

    def _operations(self, ways: Ints, ways_at: Sequence[int]) -> Ints:
        words: dict[str, int] = {}
        rows = []
        for number, operation in enumerate(self._problem.operations):
            first, last = ways_at[number], ways_at[number + 1]
            batch = -1
            if operation.batch is not None:
                batch = words.setdefault(operation.batch, len(words))
            most = c.NEVER if operation.batch_parts is None else operation.batch_parts
            head = (self._job[operation.job], operation.parts, batch, most, first, last)
            rows.append((*head, *self._fixed(operation, ways, first, last), -1))
        return np.array(rows, dtype=np.int64).reshape(len(rows), c.O_WIDTH)

    def _fixed(self, operation: Operation, ways: Ints, first: int, last: int) -> tuple[int, ...]:
        fixed = operation.fixed
        if fixed is None:
            return (-1, 0, 0, 0, 0)
        machine = self._machine[fixed.machine]
        calendars = machine_calendars(self._problem, fixed.machine)
        able = [w for w in range(first, last) if ways[w, c.W_MACHINE] == machine]
        work = open_ticks(calendars, fixed.start, fixed.end)
        way = min(able, key=lambda w: (ways[w, c.W_TICKS] != work, w))
        setup = open_ticks(calendars, fixed.setup_start, fixed.start)
        return (way, fixed.setup_start, fixed.start, fixed.end, setup)

    def _jobs(self) -> Ints:
        return np.array(
            [
                (
                    job.release,
                    c.NEVER if job.due is None else job.due,
                    self._location.get(job.origin or "", -1),
                    self._location.get(job.destination or "", -1),
                )
                for job in self._problem.jobs
            ],
            dtype=np.int64,
        ).reshape(len(self._job), c.J_WIDTH)

    def _nodes(self) -> list[list[int]]:
        if not self._places:
            return [[number] for number in range(len(self._operation))]
        nodes: list[list[int]] = []
        for listed in self._problem.operations_of.values():
            chain: list[int] = []
            for operation in _in_order(listed):
                if operation.fixed is not None:
                    nodes += [chain] if chain else []
                    nodes.append([self._operation[operation.id]])
                    chain = []
                    continue
                chain.append(self._operation[operation.id])
                if not any(mode.machine in self._places for mode in operation.modes):
                    nodes.append(chain)
                    chain = []
            nodes += [chain] if chain else []
        return nodes

    def _pools(self, operations: Ints, ways: Ints, tools: Ints) -> tuple[Ints, int]:
        problem = self._problem
        capacity = [group.count for group in problem.staff] + list(problem.tools.values())
        if problem.energy.cap_kw is not None:
            capacity.append(round(problem.energy.cap_kw * MILLIWATTS))
        capacity += [m.places for m in problem.machines if m.places is not None]
        uses = np.zeros(len(capacity), dtype=np.int64)
        if capacity:
            self._count_uses(uses, operations, ways, tools)
        room = 4 * uses + 8
        offsets = np.concatenate([[0], np.cumsum(room)])
        table = np.stack([np.array(capacity, dtype=np.int64), offsets[:-1]], axis=1)
        return np.ascontiguousarray(table, dtype=np.int64), int(offsets[-1])

    def _count_uses(self, uses: Ints, operations: Ints, ways: Ints, tools: Ints) -> None:
        """Count for each pool how many operations may ever use it at most."""
        for row in operations:
            wanted: set[int] = set()
            for way in ways[row[c.O_WAY] : row[c.O_WAY_END]]:
                machine = self._problem.machines[way[c.W_MACHINE]].id
                wanted |= {int(way[c.W_STAFF]), self._places.get(machine, -1)}
                wanted |= {int(t) for t in tools[way[c.W_TOOL] : way[c.W_TOOL_END]]}
            for pool in wanted - {-1}:
                uses[pool] += 2
        if self._power >= 0:
            uses[self._power] = len(operations)

    def _fleet(self) -> tuple[Ints, Ints, Ints]:
        transport = self._problem.transport
        if transport is None:
            empty = np.zeros((0, c.V_WIDTH), dtype=np.int64)
            return np.zeros((0, 0, 0), dtype=np.int64), np.zeros(0, dtype=np.int64), empty
        travel = np.array([transport.times[kind] for kind in self._kinds], dtype=np.int64)
        for number in range(len(transport.locations)):
            travel[:, number, number] = 0
        handling = [transport.handling.get(kind, 0) for kind in self._kinds]
        vehicles = [
            (self._kinds.index(v.kind), self._location[v.at], v.free_from)
            for v in transport.vehicles
        ]
        rows = np.array(vehicles, dtype=np.int64).reshape(len(vehicles), c.V_WIDTH)
        return travel, np.array(handling, dtype=np.int64), rows


def _in_order(operations: Sequence[Operation]) -> list[Operation]:
    """Sort a job's operations so that each comes after those of the job that must come before."""
    own = {operation.id for operation in operations}
    done: set[str] = set()
    ordered: list[Operation] = []
    waiting = list(operations)
    while waiting:
        ready = next(o for o in waiting if not (own & set(o.predecessors)) - done)
        waiting.remove(ready)
        ordered.append(ready)
        done.add(ready.id)
    return ordered


def _rows(lists: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Write rows of different lengths one after the other, and where each begins."""
    at = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in lists], out=at[1:])
    flat = [value for row in lists for value in row]
    return np.array(flat or [0], dtype=np.int64), at
