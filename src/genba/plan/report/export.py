"""A plan as files for others: CSV for spreadsheets, JSON that comes back as the same plan."""

import csv
import datetime as dt
import io
import json
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from genba.errors import PlanError
from genba.plan.demand.scale import Scale, scale_of
from genba.plan.problem import Problem
from genba.plan.schedule import Assignment, LeftOut, Leg, Plan
from genba.plant import US, format_time

VERSION = 1
CSV_COLUMNS = (
    *("kind", "order", "lot", "operation", "resource", "setup_start", "start", "end"),
    *("staff", "origin", "destination", "due"),
)


def plan_csv(problem: Problem, plan: Plan, timezone: str = "UTC") -> str:
    """Write operations and transports, one a line, by start.

    Times are ISO 8601 with the offset of ``timezone``. A transport's ``setup_start`` is when its
    vehicle leaves to fetch the lot; its ``operation`` is the one that it is brought to.
    """
    scale, zone = scale_of(problem), ZoneInfo(timezone)

    def local(tick: int) -> str:
        return dt.datetime.fromtimestamp(scale.time(tick) / US, zone).isoformat(timespec="seconds")

    rows: list[tuple[int, tuple[str, ...]]] = []
    for done in plan.assignments:
        job = problem.jobs_by_id[problem.operations_by_id[done.operation].job]
        due = "" if job.due is None else local(job.due)
        times = (local(done.setup_start), local(done.start), local(done.end))
        what = ("operation", job.order or "", job.id, done.operation, done.machine)
        rows.append((done.start, (*what, *times, done.staff or "", "", "", due)))
    for leg in plan.legs:
        job = problem.jobs_by_id[leg.job]
        due = "" if job.due is None else local(job.due)
        times = (local(leg.empty_start), local(leg.start), local(leg.end))
        what = ("transport", job.order or "", job.id, leg.operation or "", leg.vehicle or leg.kind)
        rows.append((leg.start, (*what, *times, "", leg.origin, leg.destination, due)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(row for _, row in sorted(rows))
    return text.getvalue()


def plan_json(problem: Problem, plan: Plan) -> str:
    """Write a whole plan; :func:`plan_of_json` gives it back.

    Beside its ticks, each entry names its start and end as times, for readers that know no ticks.
    """
    scale = scale_of(problem)
    value = {
        "genba_plan": VERSION,
        "zero": format_time(scale.zero),
        "tick_s": scale.tick_s,
        "status": plan.status,
        "values": {goal.value: value for goal, value in plan.values.items()},
        "bound": plan.bound,
        "gap": plan.gap,
        "found_by": plan.found_by,
        "seed": plan.seed,
        "elapsed_s": plan.elapsed_s,
        "assignments": [_with_times(_fields(a), scale) for a in plan.assignments],
        "legs": [_with_times(_fields(leg), scale) for leg in plan.legs],
        "left_out": [_fields(item) for item in plan.left_out],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def plan_of_json(text: str) -> Plan:
    """Read a plan that :func:`plan_json` wrote.

    Raises
    ------
    PlanError
        If it is no such plan: no JSON, another version, a field that is missing or of a wrong type.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"this is no plan: not JSON ({error}); give a plan.json of Genba") from None
    if not isinstance(value, dict) or "genba_plan" not in value:
        raise PlanError("this is no plan: 'genba_plan' is not in it; give a plan.json of Genba")
    if value["genba_plan"] != VERSION:
        raise PlanError(
            f"this plan is of version {value['genba_plan']}, and version {VERSION} is understood; "
            "make it anew with this Genba"
        )
    try:
        return TypeAdapter(Plan).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise PlanError(f"this plan is damaged at {where}: {first['msg']}; make it anew") from None


def _fields(value: Assignment | Leg | LeftOut) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}


def _with_times(fields: dict[str, Any], scale: Scale) -> dict[str, Any]:
    begins, ends = (format_time(scale.time(fields[name])) for name in ("start", "end"))
    return {**fields, "start_time": begins, "end_time": ends}
