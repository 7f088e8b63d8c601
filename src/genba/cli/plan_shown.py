"""How ``genba plan`` tells what planning came to: lines, tables, a document for scripts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from genba.cli.output import print_table

if TYPE_CHECKING:
    from genba.plan import Situation
    from genba.plan.objective import Objective
    from genba.plan.problem import Problem
    from genba.plan.report.lateness import LateOrder
    from genba.plan.schedule import LeftOut, Plan
    from genba.plant import Order, Plant

_REASONS = 10
"""Late orders whose reasons are told on the terminal."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be planned."""

    plant: "Plant"
    orders: "Sequence[Order]"
    now: int
    situation: "Situation | None" = None
    left_out: "tuple[LeftOut, ...]" = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What planning came to."""

    asked: Asked
    problem: "Problem"
    plan: "Plan"
    late: "tuple[LateOrder, ...]"


def goal_value(problem: "Problem", zone: str, goal: str, value: float | None) -> str:
    """Write a goal's value with its unit."""
    from genba.plan.demand.scale import lasting, moment, scale_of
    from genba.plan.objective import Goal

    if value is None:
        return "undefined"
    scale = scale_of(problem)
    if goal == Goal.MAKESPAN:
        return moment(scale, value, zone)
    return f"{value:,.2f}" if goal == Goal.ENERGY else lasting(value * scale.tick_s)


def facts(made: Made, objective: "Objective") -> list[str]:
    """Write what was planned, how good it is, and how that is known: three lines."""
    from genba.plan.demand.scale import moment, scale_of
    from genba.plan.objective import Goal

    problem, plan, zone = made.problem, made.plan, made.asked.plant.timezone
    orders = {job.order for job in problem.jobs}
    scale = scale_of(problem)
    first = (
        f"{len(orders)} orders, {len(problem.jobs)} lots, {len(problem.operations)} operations on "
        f"{len(problem.machines)} machines, from {moment(scale, 0, zone)} ({zone})"
    )
    words = {
        Goal.TARDINESS: "weighted tardiness",
        Goal.SETUPS: "set-ups",
        Goal.MAKESPAN: "all done",
        Goal.ENERGY: "energy cost",
    }
    values = [
        f"{words[goal]} {goal_value(problem, zone, goal, plan.values[goal])}"
        for goal in words
        if goal in plan.values and (goal is not Goal.ENERGY or problem.energy.prices)
    ]
    late = f"{len(made.late)} of {len(orders)} orders late"
    return [first, f"{late}; {', '.join(values)}", _certificate(made, objective)]


def _certificate(made: Made, objective: "Objective") -> str:
    """Say how far the plan can be from the best one, and how both were found."""
    plan = made.plan
    alone = len(objective.goals) == 1 or objective.ordered
    goal = objective.goals[0][0]
    of = {"tardiness": "weighted tardiness"}.get(goal, goal.value) if alone else "weighted sum"
    if plan.gap is None or plan.bound is None:
        proof = f"certified gap: none, nothing is proven of the {of}"
    elif plan.gap <= 0:
        proof = f"certified gap: 0%, no plan has a smaller {of}"
    elif plan.bound <= 0:
        proof = f"certified gap: {plan.gap:.0%}, no bound of the {of} above 0 is proven"
    else:
        zone = made.asked.plant.timezone
        least = goal_value(made.problem, zone, goal, plan.bound) if alone else f"{plan.bound:,.1f}"
        proof = f"certified gap: {plan.gap:.1%}, the {of} of no plan is below {least}"
    return f"{proof}; found by {plan.found_by}; seed {plan.seed}, {plan.elapsed_s:.1f} s"


def show_plan(made: Made, objective: "Objective", files: Sequence[Path]) -> None:
    """Print the plan in short: how good it is, what is late and why, what was left out."""
    from genba.plan.demand.scale import moment, scale_of, span

    plant, scale = made.asked.plant, scale_of(made.problem)
    typer.echo(f"Plan of {plant.name or plant.id}")
    for line in facts(made, objective):
        typer.echo(f"  {line}")
    customers = {order.id: order.customer for order in made.asked.orders}
    print_table(
        "Late orders",
        ("order", "customer", "due", "done", "late"),
        [
            (
                *(order.order, customers.get(order.order, "")),
                moment(scale, order.due, plant.timezone),
                moment(scale, order.end, plant.timezone),
                span(scale, order.late),
            )
            for order in made.late
        ],
    )
    if made.late:
        typer.echo(
            "Why, the order that weighs most first; what would cure it, each tried by itself"
        )
    for order in made.late[:_REASONS]:
        for line in _why(order):
            typer.echo(line)
    if len(made.late) > _REASONS:
        typer.echo(f"  and {len(made.late) - _REASONS} more, in {files[-1]}")
    if made.plan.left_out:
        typer.echo(f"Left out ({len(made.plan.left_out)})")
    for item in made.plan.left_out:
        typer.echo(f"  {item.reason}")
    for remark in made.asked.remarks:
        typer.echo(f"Note: {remark}")
    typer.echo("Written: " + ", ".join(map(str, files)))


def _why(order: "LateOrder") -> Iterator[str]:
    """Write why an order is late and what would cure it, for a terminal."""
    import shutil
    import textwrap

    width = max(60, shutil.get_terminal_size().columns)
    text = f"{order.order} {order.reason}"
    yield textwrap.fill(text, width, initial_indent="  ", subsequent_indent="      ")
    for cure in order.cures:
        yield textwrap.fill(cure.text, width, initial_indent="    + ", subsequent_indent="      ")


def late_text(made: Made) -> str:
    """Write of all late orders the whole chain."""
    lines = []
    for order in made.late:
        lines += [f"{order.order} {order.reason}", *(f"    {step}" for step in order.steps)]
        lines += [f"  + {cure.text}" for cure in order.cures]
    return "\n".join(lines) + "\n" if lines else "no order is late\n"


def document(made: Made, objective: "Objective", files: Sequence[Path]) -> dict[str, Any]:
    """Return what was planned for scripts; the plan itself stands in plan.json."""
    from genba.plan.demand.scale import scale_of
    from genba.plant import format_time

    plan, scale = made.plan, scale_of(made.problem)
    return {
        "plant": made.asked.plant.id,
        "from": format_time(made.problem.zero),
        "objective": [{"goal": goal, "weight": weight} for goal, weight in objective.goals],
        "ordered": objective.ordered,
        "status": plan.status,
        "values": {goal.value: value for goal, value in plan.values.items()},
        "bound": plan.bound,
        "gap": plan.gap,
        "found_by": plan.found_by,
        "seed": plan.seed,
        "elapsed_s": plan.elapsed_s,
        "late_orders": [
            {
                "order": order.order,
                "lots": order.jobs,
                "due": format_time(scale.time(order.due)),
                "done": format_time(scale.time(order.end)),
                "late_s": order.late * scale.tick_s,
                "weight": order.weight,
                "reason": order.reason,
                "chain": order.steps,
                "cures": [
                    {
                        "change": cure.change,
                        "done": format_time(scale.time(cure.end)),
                        "in_time": cure.in_time,
                        "earlier_s": cure.gain * scale.tick_s,
                        "late_orders": cure.late_orders,
                    }
                    for cure in order.cures
                ],
            }
            for order in made.late
        ],
        "left_out": [{"id": item.id, "reason": item.reason} for item in plan.left_out],
        "remarks": made.asked.remarks,
        "files": [str(path) for path in files],
    }
