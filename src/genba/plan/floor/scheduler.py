"""Makes the plans of a running plant: from a situation to an answer, close to what is in force.

The plan in force is timed anew on the plant as it is; the search starts from it and from the rules,
and what it finds has to be worth its changes.
"""

import time
from dataclasses import replace

from genba.errors import PlanError, TwinError
from genba.plan.demand.from_plant import problem_of
from genba.plan.demand.lots import split_order
from genba.plan.demand.situation import Situation
from genba.plan.floor.calibrated import factors_of
from genba.plan.floor.coarse import coarse
from genba.plan.floor.desk import Answer, Question
from genba.plan.floor.foresight import foresee
from genba.plan.floor.instructions import Instructions, Recipe, Way, instructions_of
from genba.plan.objective import Goal, Objective
from genba.plan.problem import Operation, Problem
from genba.plan.repair.difference import difference
from genba.plan.schedule import Plan
from genba.plan.solve import solve
from genba.plan.timing.decode import Decoder, modes_of
from genba.plan.values import completions, values_of
from genba.plant import US, PlanningSettings, Plant
from genba.twin import Line

FIRST = 4
"""How many times as long a plan is searched that begins from nothing, where steps count."""
FUTURES = 24
"""Futures in which a plan is tried, beside the plan in force."""
MOST_WORDS = 40
"""Changes and late orders that an answer tells in words."""


class Scheduler:
    """Answers questions, one after the other.

    Parameters
    ----------
    plant : Plant
        What there is; ``plant.planning`` says what a good plan is.
    within_s : float
        Wall seconds for one plan; without meaning where ``steps`` is given.
    steps : int, optional
        Steps of the search instead of time: the same question then has the same answer.
    line : Line, optional
        The calibrated twin: plans then reckon with measured times, and each is tried in it before
        it is answered. Without it, the plant file's times are taken and the twin is not asked.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        within_s: float = 5.0,
        steps: int | None = None,
        line: Line | None = None,
    ) -> None:
        self._plant = plant
        self._within_s = within_s
        self._steps = steps
        self._line = line
        self._factors = None if line is None else factors_of(line)

    def plan(self, question: Question) -> Answer:
        """Make a plan.

        Raises
        ------
        PlanError
            If nothing can be planned.
        """
        began = time.monotonic()
        situation = question.situation
        problem, left_out = problem_of(
            self._plant, situation.upcoming, situation.time, situation, factors=self._factors
        )
        problem = coarse(_where_they_stand(problem, situation))
        if not problem.operations:
            why = left_out[0].reason if left_out else "no lot needs work"
            raise PlanError(f"there is nothing to plan: {why}")
        numbers = _numbers(self._plant, question)
        before = None
        if question.in_force is not None:
            before = _anew(problem, question.in_force.recipe)
        objective = objective_of(self._plant.planning, before)
        found = self._search(problem, objective, before)
        price = objective.value(dict(values_of(problem, found, objective)))[0]
        better_by = 0.0
        if before is not None:
            better_by = objective.value(dict(values_of(problem, before, objective)))[0] - price
        changed = None if before is None else difference(before, found)
        tick_us = round(problem.tick_s * US)
        name = f"P{question.number}-{situation.time // US}"
        recipe = _recipe(problem, found)
        orders = instructions_of(name, found, recipe, numbers, problem.zero, tick_us)
        expects, worse = self._expected(question, orders)
        return Answer(
            number=question.number,
            instructions=orders,
            better_by=0.0 if worse else better_by,
            price=price,
            gap=found.gap,
            moved=len(found.assignments) if changed is None else len(changed.moved),
            planned=len(found.assignments),
            changes=() if changed is None else tuple(map(str, changed.changes[:MOST_WORDS])),
            expects=expects,
            late=_late(problem, found),
            left_out=tuple(left.reason for left in (*left_out, *found.left_out)),
            found_by=found.found_by,
            seconds=time.monotonic() - began,
            seed=self._plant.planning.seed,
        )

    def _expected(self, question: Question, orders: Instructions) -> tuple[str, bool]:
        """Return what the twin expects of a plan, and whether that is clearly worse than before."""
        if self._line is None:
            return "", False
        try:
            seen = foresee(
                self._plant,
                self._line,
                question.situation,
                orders,
                question.in_force,
                futures=FUTURES,
                seed=self._plant.planning.seed,
            )
        except TwinError as error:
            return f"the twin was not asked: {error}", False
        return str(seen), question.in_force is not None and seen.saved_high_h < 0

    def _search(self, problem: Problem, objective: Objective, before: Plan | None) -> Plan:
        steps = self._steps
        if steps is not None and before is None:
            steps *= FIRST
        return solve(
            problem,
            objective,
            time_limit_s=self._within_s,
            seed=self._plant.planning.seed,
            workers=1,
            hint=before,
            iterations=steps,
        )


def objective_of(settings: PlanningSettings, before: Plan | None) -> Objective:
    """Return the weighted goals of a plant, prices by the hour turned into prices by the second."""
    goals = [
        (Goal.TARDINESS, settings.tardiness / 3600.0),
        (Goal.FLOW, settings.flow / 3600.0),
        (Goal.SETUPS, settings.setups / 3600.0),
        (Goal.STABILITY, settings.stability if before is not None else 0.0),
    ]
    return Objective(
        tuple((goal, weight) for goal, weight in goals if weight > 0), reference=before
    )


def _where_they_stand(problem: Problem, situation: Situation) -> Problem:
    """Let a lot that stands at, or is brought to, a machine that can do its next step stay there.

    To take it elsewhere costs a vehicle and a place, and the next plan might take it back. Lots at
    machines that are down go where they can.
    """
    able = {machine.id for machine in situation.machines if machine.able}
    at = {lot.id: lot.heading or lot.place for lot in situation.lots}
    first = {job: listed[0].id for job, listed in problem.operations_of.items() if listed}

    def there(operation: Operation) -> Operation:
        machine = at.get(operation.job)
        if first[operation.job] != operation.id or machine not in able:
            return operation
        here = tuple(mode for mode in operation.modes if mode.machine == machine)
        return replace(operation, modes=here or operation.modes)

    return replace(problem, operations=tuple(map(there, problem.operations)))


def _recipe(problem: Problem, plan: Plan) -> Recipe:
    """Return what leads the timing decoder to a coarse plan again: its order on every machine."""
    order = sorted(plan.assignments, key=lambda a: (a.start, a.end, a.operation))
    names = tuple(assignment.operation for assignment in order)
    known = problem.operations_by_id
    modes = {name: known[name].modes[mode] for name, mode in modes_of(problem, plan).items()}
    ways = {name: Way(mode.machine, mode.family) for name, mode in modes.items()}
    return Recipe(names, ways, fill_gaps=False)


def _anew(problem: Problem, recipe: Recipe) -> Plan:
    """Time the plan in force anew, on the plant as it is now; what is new in it comes last."""
    known = problem.operations_by_id
    order = [name for name in recipe.order if name in known]
    planned = set(order)
    order += [name for name in known if name not in planned]
    modes = {
        name: mode
        for name, way in recipe.ways.items()
        if name in known
        and known[name].fixed is None
        and (mode := _mode(known[name], way)) is not None
    }
    return Decoder(problem).decode(order, modes, fill_gaps=recipe.fill_gaps)


def _mode(operation: Operation, way: Way) -> int | None:
    """Return the number of the mode that is this way, None where it is not open any more."""
    ways = [(mode.machine, mode.family) for mode in operation.modes]
    return ways.index(way) if way in ways else None


def _numbers(plant: Plant, question: Question) -> dict[str, tuple[str, int]]:
    """Return the lot and the index in its routing of every operation that may be planned."""
    products = {lot.id: lot.product for lot in question.situation.lots}
    for order in question.situation.upcoming:
        product = plant.products_by_id.get(order.product)
        for name, _ in split_order(order, product) if product is not None else ():
            products.setdefault(name, order.product)
    return {
        f"{lot}/{operation.id}": (lot, number)
        for lot, product in products.items()
        if product in plant.products_by_id
        for number, operation in enumerate(plant.products_by_id[product].routing)
    }


def _late(problem: Problem, plan: Plan) -> tuple[str, ...]:
    """Tell the orders that are late in the plan, the latest first."""
    late: dict[str, float] = {}
    for job, end in completions(problem, plan).items():
        due = problem.jobs_by_id[job].due
        if due is not None and end > due:
            order = problem.jobs_by_id[job].order or job
            late[order] = max(late.get(order, 0.0), (end - due) * problem.tick_s / 3600.0)
    listed = sorted(late.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(f"{order} is {hours:.1f} h late" for order, hours in listed[:MOST_WORDS])
