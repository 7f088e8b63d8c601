"""Columns of the tables in which the decoder sees a problem, and in which it writes a plan.

All tables hold int64; -1 means "none", :data:`NEVER` a tick that does not come.
"""

NEVER = 1 << 60
"""A tick that does not come."""

# Operations of the problem.
O_JOB, O_PARTS, O_BATCH, O_CAPACITY = 0, 1, 2, 3
O_WAY, O_WAY_END = 4, 5  # its ways, first to one past the last
O_FIXED, O_FIXED_SETUP, O_FIXED_START, O_FIXED_END, O_FIXED_TICKS = 6, 7, 8, 9, 10
O_NODE = 11  # the chain of operations that it is timed with
O_WIDTH = 12

# Ways: a mode with one of the staff groups that have the skill.
W_MACHINE, W_TICKS, W_FAMILY, W_MODE = 0, 1, 2, 3
W_STAFF, W_WHOLE, W_POWER = 4, 5, 6  # pool of the group, whole attendance, milliwatts
W_TOOL, W_TOOL_END = 7, 8  # in the list of tool pools
W_CALENDAR_SETUP, W_CALENDAR_WORK, W_CALENDAR_ALL = 9, 10, 11
W_WIDTH = 12

# Machines.
M_CALENDAR, M_FREE, M_FAMILY = 0, 1, 2
M_MATRIX, M_FAMILIES = 3, 4  # offset in the set-up times, number of families
M_NEEDS_JOB, M_PLACES, M_LOCATION = 5, 6, 7
M_WIDTH = 8

# Jobs.
J_RELEASE, J_DUE, J_ORIGIN, J_DESTINATION = 0, 1, 2, 3
J_WIDTH = 4

# Working windows.
C_START, C_END, C_JOINS, C_STRETCH = 0, 1, 2, 3  # whether work may pause over to the next window
C_WIDTH = 4

# Pools: what several may use at a time.
P_CAPACITY, P_OFFSET = 0, 1
P_WIDTH = 2

# Vehicles.
V_KIND, V_AT, V_FREE = 0, 1, 2
V_WIDTH = 3

# What the decoder knows of an operation that it has placed.
S_SETUP, S_START, S_END, S_WAY, S_TICKS = 0, 1, 2, 3, 4
S_NEXT, S_BEFORE = 5, 6  # neighbors on the machine
S_LEADER, S_PARTS, S_CAPACITY = 7, 8, 9  # of its batch
S_ARRIVAL = 10  # since when its job holds a place at the station
S_JOB_TIME, S_JOB_LOCATION, S_JOB_POOL, S_JOB_UNTIL = 11, 12, 13, 14  # the job before it
S_LEFT = 15  # when its job left the station before
S_WIDTH = 16

# What the decoder knows of a job: free since, where, in which bounded station, how long reserved.
K_TIME, K_LOCATION, K_POOL, K_UNTIL, K_REMAINING = 0, 1, 2, 3, 4
K_WIDTH = 5

# Trips: one to each operation, then one to each job's destination.
L_VEHICLE, L_KIND, L_START, L_END, L_FROM, L_TO, L_NEXT, L_BEFORE = 0, 1, 2, 3, 4, 5, 6, 7
L_WIDTH = 8

# First and last of a machine's operations or a vehicle's trips.
FIRST, LAST = 0, 1
