"""Choose set-points by looking ahead in a process model: nonlinear model-predictive control.

Direct multiple shooting (Bock & Plitt 1984), solved by Ipopt from the last answer shifted by one
step (Rawlings, Mayne & Diehl, *Model Predictive Control*, 2nd ed., ch. 8). Inputs keep their bounds
hard; outputs keep theirs as well as possible (an exact penalty on what is violated). The clock is
Ipopt's own: an answer that is late is no answer, and the caller holds what is plain.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import casadi
import numpy as np

from genba.control.margins import margins
from genba.control.objective import Objective
from genba.errors import ControlError
from genba.twin.process import Numeric, Tracker
from genba.twin.process.episode import Floats
from genba.twin.process.symbolic import Symbolic

VIOLATED = 1e4
"""Penalty of violating a bound by an output's whole span."""
_SOLVED = {"Solve_Succeeded", "Solved_To_Acceptable_Level"}


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What is known of the steps to come.

    Attributes
    ----------
    references : (horizon, outputs)
        Where outputs are wanted after each step; those without a target are not looked at.
    context : (horizon, context)
    tariff : (horizon,)
        What a kilowatt hour costs, step by step.
    margins : (horizon, outputs)
        By how much the bounds of outputs are drawn in, for what is uncertain.
    """

    references: Floats
    context: Floats
    tariff: Floats
    margins: Floats

    @classmethod
    def plain(cls, symbolic: Symbolic, horizon: int, references: Floats) -> "Ahead":
        """Look ahead without context, tariff and margins."""
        _, _, nc, ny, _ = symbolic.sizes
        return cls(references, np.zeros((horizon, nc)), np.ones(horizon), np.zeros((horizon, ny)))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Set-points for the steps to come, and what the model expects of them.

    Attributes
    ----------
    inputs : (horizon, inputs)
    states : (horizon + 1, states)
    cost : float
    seconds : float
        What it took by the wall clock.
    """

    inputs: Floats
    states: Floats
    cost: float
    seconds: float


class Nmpc:
    """A controller for one process, one objective and one horizon. Not to be shared by threads.

    Parameters
    ----------
    symbolic : Symbolic
        The model, with the step at which set-points change.
    horizon : int
        Steps that are looked ahead.
    limit_s : float
        Wall time that an answer may take.
    bounds : (2, inputs), optional
        Lowest and highest set-points; by default the ranges of the model.
    held : bool
        Whether set-points are chosen once and stay for all steps, as where a person sets them. The
        last step weighs as much as all of them then: what is left so goes on like that.
    """

    def __init__(
        self,
        symbolic: Symbolic,
        objective: Objective,
        horizon: int,
        *,
        limit_s: float = 0.1,
        bounds: Floats | None = None,
        held: bool = False,
    ) -> None:
        if horizon < 1:
            raise ControlError(f"a horizon of {horizon} steps sees nothing; take 1 or more")
        self._symbolic = symbolic
        self._objective = objective.checked(symbolic.process)
        self.horizon, self._held = horizon, held
        process = symbolic.process
        if bounds is None:
            bounds = np.array([[v.low for v in process.inputs], [v.high for v in process.inputs]])
        self.bounds = bounds
        self._span = np.array([one.span for one in process.states])
        self._solver = self._built(limit_s)
        self._guess: Floats | None = None
        self._numeric = Numeric(symbolic)

    def tightened(self, tracker: Tracker, previous: Floats, ahead: Ahead) -> Ahead:
        """Draw bounds in by what the tracker is uncertain of, along the last answer."""
        if not self._objective.keeps:
            return ahead
        nx, nu = len(self._span), self.bounds.shape[1]
        if self._guess is None:
            inputs = np.tile(np.clip(previous, *self.bounds), (self.horizon, 1))
        else:
            inputs = self._guess[nx * (self.horizon + 1) :][: nu * self.horizon].reshape(-1, nu)
        found = margins(self._numeric, self._objective, tracker, inputs, ahead.context)
        return replace(ahead, margins=ahead.margins + found)

    def advise(self, state: Floats, z: Floats, previous: Floats, ahead: Ahead) -> Course | None:
        """Choose the set-points of the steps to come.

        Parameters
        ----------
        state : (states,)
        z : (parameters,)
        previous : (inputs,)
            What is in force.

        Returns
        -------
        Course or None
            None where no answer was found in time.

        Raises
        ------
        ControlError
            If what is given is not finite.
        """
        begun = time.perf_counter()
        nx, nu = len(self._span), self.bounds.shape[1]
        given = np.concatenate([state, z, previous, *(part.ravel() for part in self._parts(ahead))])
        if not np.isfinite(given).all():
            raise ControlError(
                f"the state, parameters or references of '{self._symbolic.process.name}' are not "
                "finite; the plain controller holds"
            )
        start = self._begin(state, previous) if self._guess is None else self._guess
        start[:nx] = state / self._span
        low, high = self._limits(state)
        found = self._solver(x0=start, p=given, lbx=low, ubx=high, lbg=self._low, ubg=self._high)
        spent = time.perf_counter() - begun
        if self._solver.stats()["return_status"] not in _SOLVED:
            self._guess = None
            return None
        answer = found["x"].full().ravel()
        states = answer[: nx * (self.horizon + 1)].reshape(-1, nx) * self._span
        inputs = answer[nx * (self.horizon + 1) :][: nu * self.horizon].reshape(-1, nu)
        self._guess = self._shifted(answer)
        return Course(np.clip(inputs, *self.bounds), states, float(found["f"]), spent)

    def _parts(self, ahead: Ahead) -> tuple[Floats, Floats, Floats, Floats]:
        _, _, nc, ny, _ = self._symbolic.sizes
        parts = (ahead.references, ahead.context, ahead.tariff, ahead.margins)
        wanted = ((ny,), (nc,), (), (ny,))
        for part, width in zip(parts, wanted, strict=True):
            if part.shape != (self.horizon, *width):
                raise ControlError(
                    f"what is known ahead has the shape {part.shape}; {(self.horizon, *width)} "
                    "is looked at"
                )
        seen = [name in self._objective.targets for name in self._names()]
        return (np.where(seen, ahead.references, 0.0), *parts[1:])

    def _names(self) -> list[str]:
        return [one.name for one in self._symbolic.process.outputs]

    def _built(self, limit_s: float) -> casadi.Function:
        """Write the problem down."""
        nx, nu, nc, ny, nz = self._symbolic.sizes
        steps, kept = self.horizon, list(self._objective.keeps)
        x, u = casadi.MX.sym("x", nx, steps + 1), casadi.MX.sym("u", nu, steps)
        slack = casadi.MX.sym("s", len(kept), steps)
        x0, z, before = (casadi.MX.sym(n, size) for n, size in (("x0", nx), ("z", nz), ("b", nu)))
        wanted, context, tariff, margins = (
            casadi.MX.sym(n, size, steps) for n, size in (("r", ny), ("c", nc), ("t", 1), ("m", ny))
        )
        cost, kept_rules = casadi.MX(0), []
        real = [casadi.times(self._span, x[:, k]) for k in range(steps + 1)]
        gaps = []
        for k in range(steps):
            after = self._symbolic.step(real[k], u[:, k], context[:, k], z)
            gaps.append((after - real[k + 1]) / self._span)
            next_u = u[:, min(k + 1, steps - 1)]
            shown = self._symbolic.shows(real[k + 1], next_u, context[:, k], z)
            now = self._symbolic.shows(real[k], u[:, k], context[:, k], z)
            stage = self._stage(now, shown, wanted[:, k], u[:, k], tariff[k])
            cost += stage * (steps if self._held and k == steps - 1 else 1)
            cost += self._quiet(u[:, k] - (before if k == 0 else u[:, k - 1]))
            for place, name in enumerate(kept):
                low, high = self._objective.keeps[name]
                at = self._names().index(name)
                span = self._symbolic.process.outputs[at].span
                kept_rules += [
                    (shown[at] - low - margins[at, k]) / span + slack[place, k],
                    (high - margins[at, k] - shown[at]) / span + slack[place, k],
                ]
                cost += VIOLATED * slack[place, k]
        if self._held:
            gaps += [u[:, k] - u[:, 0] for k in range(1, steps)]
        unknowns = casadi.vertcat(casadi.vec(x), casadi.vec(u), casadi.vec(slack))
        rules = casadi.vertcat(*gaps, *kept_rules)
        self._low = np.zeros(rules.numel())
        equal = rules.numel() - len(kept_rules)
        self._high = np.concatenate([np.zeros(equal), np.full(len(kept_rules), np.inf)])
        given = [x0, z, before, *(casadi.vec(m) for m in (wanted, context, tariff, margins))]
        parameters = casadi.vertcat(*given)
        problem: dict[str, Any] = {"x": unknowns, "f": cost, "g": rules, "p": parameters}
        options: dict[str, Any] = {
            "expand": True,
            "print_time": False,
            "ipopt.print_level": 0,
            "ipopt.sb": "yes",
            "ipopt.max_wall_time": limit_s,
            "ipopt.max_iter": 200,
            "ipopt.tol": 1e-6,
            "ipopt.mu_init": 1e-3,
            "ipopt.warm_start_init_point": "yes",
        }
        return casadi.nlpsol("nmpc", "ipopt", problem, options)

    def _stage(
        self,
        now: casadi.MX,
        after: casadi.MX,
        wanted: casadi.MX,
        u: casadi.MX,
        tariff: casadi.MX,
    ) -> casadi.MX:
        """What a step costs: targets after it, prices during it."""
        names, cost = self._names(), casadi.MX(0)
        for name, weight in self._objective.targets.items():
            at = names.index(name)
            cost += weight * (after[at] - wanted[at]) ** 2
        inputs = [one.name for one in self._symbolic.process.inputs]
        for name, price in self._objective.prices.items():
            cost += price * (now[names.index(name)] if name in names else u[inputs.index(name)])
        for name, kwh in self._objective.kwh.items():
            used = now[names.index(name)] if name in names else u[inputs.index(name)]
            cost += kwh * tariff * used
        return cost

    def _quiet(self, change: casadi.MX) -> casadi.MX:
        inputs = [one.name for one in self._symbolic.process.inputs]
        cost = casadi.MX(0)
        for name, weight in self._objective.moves.items():
            cost += weight * change[inputs.index(name)] ** 2
        return cost

    def _limits(self, state: Floats) -> tuple[Floats, Floats]:
        slacks = len(self._objective.keeps) * self.horizon
        free = np.full(len(self._span) * self.horizon, np.inf)
        first = state / self._span
        low = [first, -free, np.tile(self.bounds[0], self.horizon), np.zeros(slacks)]
        high = [first, free, np.tile(self.bounds[1], self.horizon), np.full(slacks, np.inf)]
        return np.concatenate(low), np.concatenate(high)

    def _begin(self, state: Floats, previous: Floats) -> Floats:
        slacks = len(self._objective.keeps) * self.horizon
        inputs = np.clip(previous, *self.bounds)
        return np.concatenate(
            [
                np.tile(state / self._span, self.horizon + 1),
                np.tile(inputs, self.horizon),
                np.zeros(slacks),
            ]
        )

    def _shifted(self, answer: Floats) -> Floats:
        """Take the answer one step on: the last step is repeated."""
        nx, nu = len(self._span), self.bounds.shape[1]
        cut = np.cumsum([nx * (self.horizon + 1), nu * self.horizon])
        x, u, slack = np.split(answer, cut)
        parts = [(x, nx), (u, nu), (slack, len(self._objective.keeps))]
        moved = [np.concatenate([part[width:], part[len(part) - width :]]) for part, width in parts]
        return np.concatenate(moved)
