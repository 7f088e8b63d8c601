"""How compiled code reaches the kernel's tables: through one address.

Handing thirty arrays from function to function costs more than what the functions do, so they hand
on the address of a header that holds the address of each table, and reach one record at a time. The
caller of :func:`genba.twin.kernel.run` keeps the tables alive.
"""

from collections.abc import Callable
from typing import Any, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from genba.twin.records import DTYPES

World = int
"""Address of the header, as compiled code sees it."""
_WORD = ir.IntType(64)


def _reach(name: str) -> Callable[[World, int], Any]:
    """Return a compiled function that gives the ``index``-th record of a table, to read or write.

    The index is not checked.
    """
    slot = list(DTYPES).index(name)
    dtype = DTYPES[name]
    record = numba.from_dtype(dtype)

    def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        header = builder.inttoptr(args[0], _WORD.as_pointer())
        base = builder.load(builder.gep(header, [ir.Constant(_WORD, slot)]))
        base.set_metadata("invariant.load", builder.module.add_metadata([]))
        offset = builder.mul(args[1], ir.Constant(_WORD, dtype.itemsize))
        return builder.inttoptr(builder.add(base, offset), context.get_value_type(record))

    def reach(_context: Any, _w: Any, _index: Any) -> Any:
        return record(types.int64, types.int64), codegen

    return cast(Callable[[World, int], Any], intrinsic(reach))


machine_at = _reach("machines")
lot_at = _reach("lots")
op_at = _reach("ops")
way_at = _reach("ways")
tool_at = _reach("tools")
stock_at = _reach("stock")
stop_at = _reach("stops")
crew_at = _reach("crews")
vehicle_at = _reach("vehicles")
dist_at = _reach("dists")
quantile_at = _reach("quantiles")
setup_at = _reach("setups")
use_at = _reach("uses")
leg_at = _reach("legs")
fastest_at = _reach("fastest")
calendar_at = _reach("calendars")
window_at = _reach("windows")
price_at = _reach("prices")
planned_at = _reach("planned")
target_at = _reach("targets")
scrap_at = _reach("scraps")
outage_at = _reach("outages")
release_at = _reach("releases")
waiting_at = _reach("waiting")
list_at = _reach("lists")
bound_at = _reach("bound")
due_at = _reach("due")
timer_at = _reach("timers")
asked_at = _reach("asked")
whole_at = _reach("whole")
log_at = _reach("log")
