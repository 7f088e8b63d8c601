"""A job that is taken up at closing time costs nothing of what lies beyond the horizon."""

import datetime as dt

from genba.plant import US, Calendar, Day, Shift, parse_time
from genba.twin.distribution import constant
from genba.twin.future import futures
from genba.twin.line import Line, Machine, Power, Product, Step, Way
from genba.twin.records import STATES
from genba.twin.state import LotState, State

SHIFT = Shift(id="early", days=tuple(Day), start=dt.time(6), end=dt.time(14))
START = parse_time("2026-01-05T06:00:00Z")
HORIZON_S = 8 * 3600.0


def test_taking_up_a_job_across_closing_time_stays_within_the_horizon() -> None:
    way = Way("mill", HORIZON_S - 30.0 - 5.0, overhead_s=constant(20.0))
    line = Line(
        id="works",
        machines=(Machine("mill", calendar="day", power=Power(off=1.0, idle=1.0, run=1.0)),),
        products=(Product("P", 1, (Step("mill", (way,)),)),),
        calendars=(Calendar(id="day", shifts=(SHIFT,)),),
    )
    lots = tuple(LotState(f"O-{n}-01", "P", 1, START + US, f"O-{n}") for n in (1, 2))
    found = futures(line, State(START, lots), HORIZON_S, n=1)
    assert found.lots[0] == 1  # the second is taken up 15 s before closing, for 20 s
    assert found.seconds[0, 0].sum() == HORIZON_S
    assert found.seconds[0, 0, STATES.index("off")] == 0.0
    assert abs(found.energy_kwh[0] - 8.0) < 1e-9
