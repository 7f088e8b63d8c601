"""Constraint programming (CP-SAT): the whole problem with proofs, and windows of a large one."""

from genba.plan.cpsat.constraints import solve_by_constraints
from genba.plan.cpsat.exact import solve_exactly
from genba.plan.cpsat.neighborhoods import improve

__all__ = ["improve", "solve_by_constraints", "solve_exactly"]
