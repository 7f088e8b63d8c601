"""Constraint programming (CP-SAT): the whole problem with proofs, and windows of a large one."""

from genba.plan.cpsat.exact import solve_exactly

__all__ = ["solve_exactly"]
