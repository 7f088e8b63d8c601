"""The rules by which Genba runs a floor: what it waits for, and for how long.

The plain planner, the follower of plans and the vehicles keep to them, and the twin simulates a
plant that is run so. They stand once, so that the twin does not expect what the floor does not do.
Seconds, but for parts and counts.
"""

FAMILY_WINDOW_S = 4 * 3600.0
"""A lot due at most this much later than the most urgent one goes first if it needs no set-up."""
BATCH_WAIT_S = 1500.0
"""Longest wait of a lot for a fuller batch."""
BATCH_ENOUGH = 0.7
"""Part of a batch that is full enough not to wait for more."""
REROUTE_AFTER_S = 1800.0
"""How long a lot waits at a machine that has broken down before it is taken to another one."""
PARK_AFTER_S = 900.0
"""How long a lot that can go nowhere blocks a full station before it is taken to the store."""
MOST_FRESH = 2
"""Lots in wait at a machine beyond which no lot enters the floor for it."""
REST_AFTER_S = 20.0
"""How long a vehicle stands idle before it drives home, out of the way and to its charger."""
WAIT_PART = 0.25
"""A machine waits for what is planned first at most this part of the work it could begin instead,
and as long as the set-ups take that would be made on top."""
FETCH_S = 120.0
"""Time until a vehicle comes for a lot that stands elsewhere and could be fetched at once."""
EARLY_S = 5400.0
"""A planned lot enters the floor at most this long before the plan has it begin."""
BEND_S = 3 * 3600.0
"""Where a plan's order bends, a lot that needs no set-up is taken up to so long before its turn."""
OVERDUE_S = 900.0
"""When work that should have ended is taken to end. Without it a machine would stand idle for a
lot that is about to come, and about to come, for as long as a worn tool holds it up elsewhere."""
