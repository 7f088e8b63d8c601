"""``genba plan``: from orders to a schedule, with its certified gap, its chart and its reasons."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genba.cli.client import HERE, TokenOption, UrlOption
from genba.cli.live_situation import open_orders, why_nobody_answers
from genba.cli.output import emit_json, fail, says_errors
from genba.cli.plan_shown import Asked, Made, document, facts, goal_value, late_text, show_plan
from genba.errors import PlanError

if TYPE_CHECKING:
    from genba.plan.objective import Objective
    from genba.plan.problem import Problem
    from genba.plan.schedule import LeftOut, Plan
    from genba.plant import Order, Plant

DEFAULT_GOALS = "tardiness,setups,makespan"
_BAR_FROM_S = 2.0
"""A search that may last longer shows a bar."""


@says_errors
def plan(
    orders: Annotated[
        Path | None,
        typer.Argument(help="List of orders (CSV). Without it: the open orders of the plant."),
    ] = None,
    plant: Annotated[Path, typer.Option(help="The plant file.")] = Path("plant.yaml"),
    objective: Annotated[
        str,
        typer.Option(
            help="Goals, the first counts most: tardiness, setups, makespan, flow, energy. "
            "With weights ('tardiness=1,setups=0.2') they are added up."
        ),
    ] = DEFAULT_GOALS,
    time: Annotated[
        float, typer.Option(min=0.0, max=86_400.0, help="Seconds that the search may take.")
    ] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Threads of the search.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the plan's files.")] = Path("plan"),
    now: Annotated[
        str, typer.Option(help="Begin of the plan: ISO 8601 with a zone, or 'now'.")
    ] = "now",
    power: Annotated[
        str, typer.Option(help="Mean power while machines work, in kW: 'furnace=40,mill-1=7.5'.")
    ] = "",
    url: UrlOption = HERE,
    token: TokenOption = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan orders: who works on what when, what will be late and why, and what would cure it."""
    from genba.plan.demand.from_plant import problem_of
    from genba.plant import load_plant

    wanted, power_kw = _objective(objective), _powers(power)
    loaded = load_plant(plant)
    asked = _ask(loaded, orders, now, url, token)
    problem, left_out = problem_of(
        loaded, asked.orders, asked.now, asked.situation, power_kw=power_kw or None
    )
    told = (*asked.left_out, *left_out)
    if not problem.operations:
        _nothing_to_plan(asked, told)
    found = _solve(problem, loaded.timezone, wanted, time, seed, workers)
    found = replace(found, left_out=(*told, *_unplanned(problem, found)))
    from genba.plan.report.lateness import late_orders

    made = Made(asked, problem, found, late_orders(problem, found, timezone=loaded.timezone))
    files = _write(made, wanted, out)
    if json:
        emit_json(document(made, wanted, files))
    else:
        show_plan(made, wanted, files)


# -- what was asked ---------------------------------------------------------------------------


def _objective(text: str) -> "Objective":
    """Read goals: in order, or with weights.

    Raises
    ------
    PlanError
        If a goal is unknown or a weight is none.
    """
    from genba.plan.objective import Goal, Objective

    known = [goal for goal in Goal if goal is not Goal.STABILITY]
    goals, weighted = [], "=" in text
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, weight = part.partition("=")
        if name.strip() not in known:
            raise PlanError(f"'{name.strip()}' is no goal; choose from {', '.join(known)}")
        if weighted and not weight:
            raise PlanError(f"goal '{part}' has no weight where others have; write {part}=1")
        goals.append((Goal(name.strip()), _number(weight, part) if weighted else 1.0))
    return Objective(tuple(goals), ordered=not weighted and len(goals) > 1)


def _powers(text: str) -> dict[str, float]:
    powers = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, power = part.partition("=")
        powers[name.strip()] = _number(power, part)
    return powers


def _number(text: str, part: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PlanError(f"'{part}' holds no number; write it like NAME=1.5") from None


def _ask(plant: "Plant", path: Path | None, now: str, url: str, token: str) -> Asked:
    """Find the orders: a list, those of the running plant, or those of the plant file."""
    from genba.plan.demand.orders import read_orders
    from genba.plant import SystemClock, parse_time

    at = SystemClock().now() if now == "now" else parse_time(now)
    if path is not None:
        listed = read_orders(path, plant, at)
        return Asked(plant, listed.orders, at, None, listed.left_out, listed.remarks)
    silent = why_nobody_answers(url, token) if now == "now" else "--now is given"
    if silent is None:
        open_now, situation = open_orders(url, token, plant)
        remarks = _past(open_now, situation.time)
        return Asked(plant, open_now, situation.time, situation, remarks=tuple(remarks))
    if url != HERE and now == "now":
        fail(f"{silent}; start one with `genba run`, log in with `genba login`, or give --url")
    remarks = [f"{silent}: the orders of the plant file are planned, on an empty floor"]
    remarks += _past(plant.orders, at)
    return Asked(plant, plant.orders, at, remarks=tuple(remarks))


def _past(orders: "Sequence[Order]", now: int) -> list[str]:
    """Remark upon orders that were due before the plan begins."""
    past = [order.id for order in orders if order.due <= now]
    if not past:
        return []
    which = ", ".join(past[:3]) + (f" and {len(past) - 3} more" if len(past) > 3 else "")
    mend = "; to plan from another moment, give --now" if len(past) == len(orders) else ""
    return [f"due in the past, planned all the same, and late: {which}{mend}"]


def _unplanned(problem: "Problem", found: "Plan") -> "list[LeftOut]":
    """Return what the search left out; of jobs that it planned it only says that they are late."""
    whole = {
        job
        for job, operations in problem.operations_of.items()
        if all(operation.id in found.by_operation for operation in operations)
    }
    return [item for item in found.left_out if item.id not in whole]


def _nothing_to_plan(asked: Asked, told: "Sequence[LeftOut]") -> None:
    lines = [item.reason for item in told]
    if not asked.orders and not told:
        lines = [f"{asked.plant.id} has no open order; give a list, or add orders to its file"]
    fail("\n".join(["there is nothing to plan", *lines]))


# -- the search -------------------------------------------------------------------------------


def _solve(
    problem: "Problem",
    zone: str,
    objective: "Objective",
    time_s: float,
    seed: int,
    workers: int,
) -> "Plan":
    """Search, behind a progress bar where it may take long and somebody watches."""
    from genba.plan.solve import solve

    def search(on_improved: "Callable[[Plan], None] | None" = None) -> "Plan":
        return solve(
            problem,
            objective,
            time_limit_s=time_s,
            seed=seed,
            workers=workers,
            on_improved=on_improved,
        )

    if time_s < _BAR_FROM_S or not sys.stderr.isatty():
        return search()
    return _watched(search, problem, zone, objective, time_s)


def _watched(
    search: "Callable[[Callable[[Plan], None]], Plan]",
    problem: "Problem",
    zone: str,
    objective: "Objective",
    time_s: float,
) -> "Plan":
    from concurrent.futures import ThreadPoolExecutor, wait
    from time import monotonic

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    best = ["first plans"]
    goal = objective.goals[0][0]

    def improved(better: "Plan") -> None:
        best[0] = f"{goal} {goal_value(problem, zone, goal, better.values.get(goal))}"

    columns = (TextColumn("planning"), BarColumn(), TextColumn("{task.fields[best]}"))
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        ThreadPoolExecutor(1) as pool,
    ):
        task, begin = progress.add_task("", total=time_s, best=best[0]), monotonic()
        searching = pool.submit(search, improved)
        while not searching.done():
            wait([searching], timeout=0.1)
            progress.update(task, completed=min(time_s, monotonic() - begin), best=best[0])
    return searching.result()


def _write(made: Made, objective: "Objective", folder: Path) -> list[Path]:
    """Write the plan's files, each whole or not at all."""
    from genba.plan.report.export import plan_csv, plan_json
    from genba.plan.report.gantt import gantt
    from genba.plan.report.gantt_html import gantt_html
    from genba.plan.report.gantt_png import gantt_png

    plant = made.asked.plant
    products = {order.id: order.product for order in made.asked.orders}
    if made.asked.situation is not None:
        products |= {lot.order: lot.product for lot in made.asked.situation.lots}
    chart = gantt(
        made.problem,
        made.plan,
        products={job.id: products[job.order] for job in made.problem.jobs if job.order},
        title=f"Plan of {plant.name or plant.id}",
        facts=facts(made, objective),
        timezone=plant.timezone,
    )
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "plan.html": gantt_html(chart),
        "plan.csv": plan_csv(made.problem, made.plan, plant.timezone),
        "plan.json": plan_json(made.problem, made.plan),
        "late.txt": late_text(made),
    }
    for name, text in texts.items():
        draft = folder / f".{name}.new"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / name)
    draft = folder / ".plan.new.png"
    gantt_png(chart, draft)
    draft.replace(folder / "plan.png")
    return [folder / name for name in ("plan.html", "plan.png", *list(texts)[1:])]
