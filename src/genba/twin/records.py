"""How the kernel keeps a line: flat arrays of records, what never changes beside what does.

Indices: machines, then the source (``machines``) and the sink (``machines + 1``) are stations;
further locations are where vehicles wait. -1 stands for none. Seconds from the state's time.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]

# Phases of a machine.
FREE, CREW, SETUP, RUN, DOWN, REPAIR, OUTAGE = range(7)
"""Without a job, waits for a setter, is set up, runs, waits for a repairer, is repaired, is out."""

# States that time and power are counted by.
OFF, IDLE, SETTING, RUNNING, FAILED, BLOCKED, WAITING = range(7)
STATES = ("off", "idle", "setup", "run", "down", "blocked", "waiting")
"""``waiting``: for people. ``off``: the calendar is closed."""
STATE_COUNT = len(STATES)

# Phases of a lot.
AHEAD, STANDS, WORKED, CALLED, CARRIED, DONE = range(6)
"""Not released, stands somewhere, in work, a vehicle comes for it, on a vehicle, done."""

# Phases of a vehicle.
RESTS, FETCHES, BRINGS, AWAY = range(4)

# What the log tells.
RELEASED, SETUP_BEGUN, RUN_BEGUN, FINISHED, STOPPED, RESUMED, PICKED, DROPPED, LEFT = range(9)
LOGGED = (
    "released", "setup_begun", "run_begun", "finished", "stopped", "resumed", "picked", "dropped",
    "done",
)  # fmt: skip

MACHINE = np.dtype(
    [
        ("key", "u8"), ("calendar", "i8"), ("places", "i8"), ("setup_factor", "i8"),
        ("stops_from", "i8"), ("stops_to", "i8"), ("plan_to", "i8"),
        ("bound_from", "i8"), ("bound_fresh", "i8"), ("bound_to", "i8"),
        # what changes
        ("phase", "i8"), ("state", "i8"), ("since", "f8"), ("family", "i8"), ("way", "i8"),
        ("job", "i8"), ("parts", "i8"), ("crew", "i8"), ("skill", "i8"), ("asked", "f8"),
        ("left", "f8"), ("segment", "f8"), ("run_from", "f8"), ("free_at", "f8"),
        ("through", "i8"), ("kw", "f8"), ("load", "i8"), ("queue", "i8"), ("backlog", "f8"),
        ("stop", "i8"), ("down_since", "f8"), ("work", "f8"), ("spoilt", "i8"), ("dirty", "i8"),
        ("setups", "i8"), ("stopped", "i8"), ("jobs", "i8"), ("kwh", "f8"), ("plan_next", "i8"),
    ],
    align=True,
)  # fmt: skip
LOT = np.dtype(
    [
        ("key", "u8"), ("product", "i8"), ("due", "f8"), ("weight", "f8"), ("release", "f8"),
        ("plan", "i8"), ("told", "i8"), ("urgency", "f8"),
        # what changes
        ("phase", "i8"), ("op", "i8"), ("parts", "i8"), ("place", "i8"), ("heading", "i8"),
        ("rank", "f8"), ("since", "f8"), ("next", "i8"), ("before", "i8"), ("list", "i8"),
        ("backlog", "f8"), ("family", "i8"), ("done_at", "f8"), ("began_at", "f8"),
        ("first_op", "i8"),
    ],
    align=True,
)  # fmt: skip
OP = np.dtype([("ways_from", "i8"), ("ways_to", "i8"), ("batch", "i8"), ("sort", "i8")], align=True)
"""``sort``: operations of one sort may share a batch. After a product's last one stands an empty
one: a lot that has come to it is complete."""
WAY = np.dtype(
    [
        ("machine", "i8"), ("cycle", "f8"), ("factor", "i8"), ("cv", "f8"), ("overhead", "i8"),
        ("family", "i8"), ("skill", "i8"), ("scrap", "f8"), ("kw", "f8"), ("tools_from", "i8"),
        ("tools_to", "i8"),
    ],
    align=True,
)  # fmt: skip
STOP = np.dtype(
    [
        ("key", "u8"), ("every", "i8"), ("duration", "i8"), ("service", "i8"), ("skill", "i8"),
        ("spoils", "f8"), ("age", "f8"), ("left", "f8"), ("count", "i8"),
    ],
    align=True,
)  # fmt: skip
CREW_RECORD = np.dtype(
    [("skills", "i8"), ("people", "i8"), ("calendar", "i8"), ("busy", "i8")], align=True
)
VEHICLE = np.dtype(
    [
        ("key", "u8"), ("handling", "i8"), ("home", "i8"), ("stops_from", "i8"), ("stops_to", "i8"),
        ("phase", "i8"), ("at", "i8"), ("lot", "i8"), ("since", "f8"), ("moves", "i8"),
        ("driven", "f8"), ("due", "f8"),
    ],
    align=True,
)  # fmt: skip
DIST = np.dtype([("shape", "i8"), ("a", "f8"), ("b", "f8")], align=True)
CALENDAR = np.dtype([("first", "i8"), ("last", "i8"), ("at", "i8"), ("open", "i8")], align=True)
"""``at``: the window that is open, or the next one."""
SCRAP = np.dtype([("parts", "i8")])
"""Parts that a lot loses in an operation; -1: drawn."""
PLANNED = np.dtype([("lot", "i8"), ("op", "i8"), ("start", "f8")], align=True)
OUTAGE_RECORD = np.dtype([("unit", "i8"), ("start", "f8"), ("end", "f8")], align=True)
LOG = np.dtype(
    [("time", "f8"), ("what", "i8"), ("unit", "i8"), ("lot", "i8"), ("op", "i8"), ("parts", "i8")],
    align=True,
)


TOOL = np.dtype([("index", "i8")])
STOCK = np.dtype([("free", "i8")])
SECONDS = np.dtype([("seconds", "f8")])
USE = np.dtype([("kw", "f8"), ("seconds", "f8")], align=True)
WINDOW = np.dtype([("begin", "f8"), ("end", "f8")], align=True)
PRICE = np.dtype([("before", "f8"), ("rate", "f8")], align=True)
"""Cost of 1 kW from the first bin to this one's begin, and per second in it."""
TARGET = np.dtype([("machine", "i8"), ("start", "f8")], align=True)
INDEX = np.dtype([("index", "i8")])
COUNT = np.dtype([("count", "i8")])
LIST = np.dtype([("first", "i8"), ("last", "i8"), ("due", "i8")], align=True)
"""First and last lot, and whether one of them could perhaps be moved now."""
TIMER = np.dtype([("time", "f8"), ("unit", "i8")], align=True)
WHOLE = np.dtype(
    [
        # how many there are
        ("machines", "i8"), ("lots", "i8"), ("vehicles", "i8"), ("crews", "i8"),
        ("calendars", "i8"), ("places", "i8"), ("families", "i8"), ("quantiles", "i8"),
        ("lists", "i8"), ("fresh_lists", "i8"), ("leaves", "i8"), ("nudge", "i8"),
        ("releases", "i8"), ("outages", "i8"), ("prices", "i8"),
        ("log_rows", "i8"),
        # what else holds for all
        ("drive_factor", "i8"), ("price_offset", "f8"), ("parks", "i8"), ("family_window", "f8"),
        # what changes
        ("now", "f8"), ("cost", "f8"), ("events", "i8"), ("released", "i8"),
        ("free_vehicles", "i8"), ("due_floor", "i8"), ("due_fresh", "i8"), ("starved", "i8"),
        ("crew_due", "i8"), ("waiters", "i8"), ("asked", "i8"), ("asked_first", "i8"),
        ("logged", "i8"), ("outages_begun", "i8"),
    ],
    align=True,
)  # fmt: skip

DTYPES = {
    "machines": MACHINE,
    "lots": LOT,
    "ops": OP,
    "ways": WAY,
    "tools": TOOL,
    "stock": STOCK,
    "stops": STOP,
    "crews": CREW_RECORD,
    "vehicles": VEHICLE,
    "dists": DIST,
    "quantiles": SECONDS,
    "setups": SECONDS,
    "uses": USE,
    "legs": SECONDS,
    "fastest": SECONDS,
    "calendars": CALENDAR,
    "windows": WINDOW,
    "prices": PRICE,
    "planned": PLANNED,
    "targets": TARGET,
    "scraps": SCRAP,
    "outages": OUTAGE_RECORD,
    "releases": INDEX,
    "waiting": COUNT,
    "lists": LIST,
    "bound": INDEX,
    "due": INDEX,
    "timers": TIMER,
    "asked": INDEX,
    "whole": WHOLE,
    "log": LOG,
}
"""All tables in the order of the header."""


class Tables(NamedTuple):
    """All that one future needs; one-dimensional, in the order of ``DTYPES``."""

    machines: Records
    lots: Records
    ops: Records
    """Of all products; after each product's last one an empty one."""
    ways: Records
    tools: Records
    """Ragged lists of the ways' tools."""
    stock: Records
    """How many of each tool are free."""
    stops: Records
    crews: Records
    vehicles: Records
    dists: Records
    quantiles: Records
    """By distribution."""
    setups: Records
    """By machine, family before (last: unknown), family after (as many)."""
    uses: Records
    """By machine and state."""
    legs: Records
    """Driving seconds by vehicle, origin, destination."""
    fastest: Records
    """Driving seconds of the fastest vehicle by origin and destination."""
    calendars: Records
    windows: Records
    prices: Records
    """By bin."""
    planned: Records
    """All planned jobs by machine, then start."""
    targets: Records
    """By a lot's ``plan`` + operation: where and when it is planned."""
    scraps: Records
    """By a lot's ``told`` + operation."""
    outages: Records
    """``unit``: machines, then vehicles."""
    releases: Records
    """Lots that are still to be released, in order."""
    waiting: Records
    """How many lots wait or head for a machine, by machine and family."""
    lists: Records
    """What waits at each machine; what stands on the floor and should go on, by planned machine
    and by operation; what has not entered the floor, by planned machine and by product."""
    bound: Records
    """Ragged lists of the lists of lots that could go to each machine: floor, then not entered."""
    due: Records
    """Lists that something could be done with: floor, and from the middle on not entered."""
    timers: Records
    asked: Records
    """Machines that might start something, as a ring."""
    whole: Records
    """One record."""
    log: Records


_CHANGING = (
    "machines", "lots", "stock", "stops", "crews", "vehicles", "calendars", "uses", "waiting",
    "lists", "due", "timers", "asked", "whole", "log",
)  # fmt: skip


def fresh(tables: Tables) -> Tables:
    """Return tables for one future: what it changes is copied, the rest is shared."""
    return tables._replace(**{name: getattr(tables, name).copy() for name in _CHANGING})


def header(tables: Tables) -> NDArray[np.int64]:
    """Return the addresses of all tables; they and it must live as long as it is used."""
    return np.array([table.ctypes.data for table in tables], np.int64)
