"""The one timing decoder: from an order of operations to the earliest legal plan.

Every path of the planner speaks to it in the same way: an order (who goes first where two want the
same), and for each operation a mode or "whichever ends first". It respects all that
:mod:`genba.plan.problem` knows: calendars, set-ups with and without the job, people, tools,
batches, places and blocking, trips with vehicles, the power cap, what is fixed. How a deadlock of
full stations is kept out is told in :mod:`genba.plan.timing.run`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from genba.errors import PlanError
from genba.plan.problem import Problem
from genba.plan.schedule import Assignment, LeftOut, Leg, Plan
from genba.plan.timing import columns as c
from genba.plan.timing.compile import Ints, Tables, tables_of
from genba.plan.timing.place import Board, new_board
from genba.plan.timing.run import run
from genba.plan.timing.value import Pricing, worth
from genba.plan.worktime import mode_of


class Decoder:
    """A problem written as tables once, for any number of orders."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.tables: Tables = tables_of(problem)
        self._board: Board = new_board(self.tables)
        self._rows = {operation.id: i for i, operation in enumerate(problem.operations)}

    def decode(
        self,
        order: Sequence[str],
        modes: Mapping[str, int] | None = None,
        *,
        fill_gaps: bool = True,
    ) -> Plan:
        """Time the operations in an order.

        Parameters
        ----------
        order : sequence of str
            All operations, the most urgent first. It need not respect the routings: an operation
            takes its turn once all before it stand.
        modes : mapping of str to int, optional
            Number of the mode of each operation; the others take the one that ends first.
        fill_gaps : bool
            Whether a later one may go into a gap before those that stand. Otherwise the sequence on
            each machine is that of the order.

        Returns
        -------
        Plan
            Without values. What found no place before its calendar ends is in ``left_out``.
        """
        if len(order) != len(self._rows) or set(order) != self._rows.keys():
            raise PlanError("an order must name every operation once")
        rank = np.empty(len(order), dtype=np.int64)
        rank[[self._rows[name] for name in order]] = np.arange(len(order))
        chosen = np.full(len(order), -1, dtype=np.int64)
        for name, mode in (modes or {}).items():
            chosen[self._rows[name]] = mode
        return self.plan(rank, chosen, fill_gaps=fill_gaps)

    def plan(self, rank: Ints, modes: Ints, *, fill_gaps: bool = True) -> Plan:
        """Time the operations by rank and mode (int64 arrays in the order of the problem)."""
        run(self.tables, self._board, rank, modes, int(fill_gaps))
        plan = self._read()
        if not fill_gaps:
            return plan
        operations = self.problem.operations
        turns = (operations[row].id for row in np.argsort(rank, kind="stable").tolist())
        return replace(plan, turns=tuple(turns))

    def worth(self, rank: Ints, modes: Ints, pricing: Pricing, *, fill_gaps: bool = True) -> float:
        """Time the operations like :meth:`plan`, and return only what that is worth."""
        missing = run(self.tables, self._board, rank, modes, int(fill_gaps))
        return float(worth(self.tables, self._board, pricing, missing))

    def placed(self, rank: Ints, modes: Ints, *, fill_gaps: bool = True) -> Ints:
        """Time the operations like :meth:`plan`; return what stands (operations, S_WIDTH)."""
        run(self.tables, self._board, rank, modes, int(fill_gaps))
        return self._board.placed.copy()

    def _read(self) -> Plan:
        problem, placed = self.problem, self._board.placed.tolist()
        groups = len(problem.staff)
        ways = self.tables.ways
        assignments, left_out = [], []
        for operation, row in zip(problem.operations, placed, strict=True):
            way = row[c.S_WAY]
            if way < 0:
                left_out.append(LeftOut(operation.id, _NO_PLACE.format(operation.id)))
                continue
            pool = int(ways[way, c.W_STAFF])
            attended = ways[way, c.W_WHOLE] or row[c.S_START] > row[c.S_SETUP]
            has_staff = 0 <= pool < groups and attended
            staff = problem.staff[pool].id if has_staff else None
            machine = problem.machines[ways[way, c.W_MACHINE]].id
            times = row[c.S_SETUP], row[c.S_START], row[c.S_END]
            assignments.append(Assignment(operation.id, machine, *times, staff))
        return Plan(tuple(assignments), self._legs(), left_out=tuple(left_out))

    def _legs(self) -> tuple[Leg, ...]:
        problem, transport = self.problem, self.problem.transport
        if transport is None:
            return ()
        kinds, travel = list(transport.times), self.tables.travel
        trips, count = self._board.trips.tolist(), len(problem.operations)
        legs = []
        for number, row in enumerate(trips):
            if row[c.L_KIND] < 0:
                continue
            operation = problem.operations[number].id if number < count else None
            job = (
                problem.operations[number].job
                if number < count
                else problem.jobs[number - count].id
            )
            vehicle, empty_start = None, row[c.L_START]
            if row[c.L_VEHICLE] >= 0:
                carrier = transport.vehicles[row[c.L_VEHICLE]]
                vehicle = carrier.id
                here = transport.locations.index(carrier.at)
                if row[c.L_BEFORE] >= 0:
                    here = trips[row[c.L_BEFORE]][c.L_TO]
                empty_start -= int(travel[row[c.L_KIND], here, row[c.L_FROM]])
            legs.append(
                Leg(
                    job,
                    operation,
                    vehicle,
                    kinds[row[c.L_KIND]],
                    transport.locations[row[c.L_FROM]],
                    transport.locations[row[c.L_TO]],
                    empty_start,
                    row[c.L_START],
                    row[c.L_END],
                )
            )
        return tuple(sorted(legs, key=lambda leg: (leg.start, leg.job)))


_NO_PLACE = (
    "operation {} finds no time in which machine, people, tools and places are there;"
    " lengthen the calendars or leave out what stands before it"
)


def decode(problem: Problem, order: Sequence[str], modes: Mapping[str, int] | None = None) -> Plan:
    """Time the operations of an examined problem in an order; see :meth:`Decoder.decode`."""
    return Decoder(problem).decode(order, modes)


def modes_of(problem: Problem, plan: Plan) -> dict[str, int]:
    """Return which of its modes each operation of a plan stands for."""
    found = {}
    for assignment in plan.assignments:
        mode = mode_of(problem, assignment)
        if mode is not None:
            modes = problem.operations_by_id[assignment.operation].modes
            found[assignment.operation] = modes.index(mode)
    return found
