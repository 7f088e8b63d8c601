"""The shadow window: a release is tried out beside what runs, before any answer of it counts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.contract import Contract, Misfit
from genba.learn.edge.keys import Trust
from genba.learn.edge.sandbox import Answers, ModelCrashed, ModelHangs, Sandbox
from genba.learn.edge.session import usable

Live = Callable[[Contract], NDArray[np.float32] | None]
"""Gives the newest windows (n, rows, columns) that a contract asks for, oldest first."""


_LATELY = 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What a release may differ by. Whoever approves it may widen them, and is on record.

    ``flips`` is the share of windows on which there is a finding by one model and none by the
    other; ``shift`` the median distance of answers, in interquartile ranges of the old answers.
    """

    parity: float = 1e-4
    flips: float = 0.05
    shift: float = 0.5
    least_windows: int = 30
    """Fewer are not compared."""
    least_answers: int = 300
    """Answers that latency is measured on."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was asked of a release."""

    name: str
    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. Checks after the first that failed were not made.

    Times are of one answer, memory is what the model added to its process.
    """

    address: str
    checks: tuple[Check, ...]
    p50_us: float | None = None
    p99_us: float | None = None
    wall_p99_us: float | None = None
    memory_mb: float | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def why(self) -> str:
        """What speaks against it, empty if nothing does."""
        return "; ".join(f"{c.name}: {c.text}" for c in self.checks if not c.passed)


class _Found(Exception):
    """A check failed: carries what was found out of nested questions."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.check = Check(name, False, text)


def try_out(
    content: bytes,
    trust: Trust,
    *,
    signals: Collection[str] | None = None,
    in_force: Bundle | None = None,
    live: Live | None = None,
    limits: Limits | None = None,
) -> Report:
    """Try a release out in a process of its own.

    Signature and digests, signals and shape, crash and hang, sense of the answers, parity with
    where it was made, CPU time and memory against the budget, and drift against what is in force.

    Parameters
    ----------
    content : bytes
        The bundle as it came.
    trust : Trust
        Whose releases are taken.
    signals : collection of str, optional
        What this machine knows; a model that needs others does not fit.
    in_force : Bundle, optional
        What its answers are compared with.
    live : callable, optional
        Newest windows of this machine.
    limits : Limits, optional
        What it may differ by.
    """
    trial = _Trial(limits or Limits(), live)
    try:
        bundle = trial.opened(content, trust, signals)
        trial.ask(bundle, in_force)
    except _Found as found:
        trial.checks.append(found.check)
    return trial.report()


class _Trial:
    """One release under examination."""

    def __init__(self, limits: Limits, live: Live | None) -> None:
        self.checks: list[Check] = []
        self._limits = limits
        self._live = live
        self._address = ""
        self._cpu: NDArray[np.float64] | None = None
        self._wall: NDArray[np.float64] | None = None
        self._memory_mb: float | None = None

    def report(self) -> Report:
        if self._cpu is None or self._wall is None:
            return Report(self._address, tuple(self.checks))
        p50, p99 = np.percentile(self._cpu, [50, 99])
        wall = float(np.percentile(self._wall, 99))
        return Report(
            self._address, tuple(self.checks), float(p50), float(p99), wall, self._memory_mb
        )

    def _passed(self, name: str, text: str) -> None:
        self.checks.append(Check(name, True, text))

    def opened(self, content: bytes, trust: Trust, signals: Collection[str] | None) -> Bundle:
        try:
            bundle = open_bundle(content, trust)
        except LearnError as error:
            name = "shape" if isinstance(error, Misfit) else "signature"
            raise _Found(name, str(error)) from None
        self._address = bundle.address
        self._passed("signature", "signed by a trusted key, and whole")
        missing = [] if signals is None else sorted(bundle.contract.needs - set(signals))
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise _Found("shape", f"there is no signal {', '.join(missing[:3])}{more} here")
        own = f"{bundle.contract.equipment}."
        if (
            bundle.contract.picture
            and signals is not None
            and not any(name.startswith(own) for name in signals)
        ):
            raise _Found("shape", f"there is no equipment '{bundle.contract.equipment}' here")
        return bundle

    def ask(self, bundle: Bundle, in_force: Bundle | None) -> None:
        live = None if self._live is None else self._live(bundle.contract)
        try:
            with Sandbox(bundle.model, bundle.contract) as sandbox:
                what = "pixels" if bundle.contract.picture else "known signals"
                self._passed("shape", f"takes {list(bundle.contract.shape)} of {what}")
                probes = self._probe(sandbox, bundle)
                recent = None if live is None or not len(live) else self._ask(sandbox, live)
                self._memory_mb = max(0.0, sandbox.peak_mb() - sandbox.base_mb)
        except ModelCrashed as error:
            raise _Found("crash", str(error)) from None
        except ModelHangs as error:
            raise _Found("latency", str(error)) from None
        except LearnError as error:
            name = "shape" if isinstance(error, Misfit) else "crash"
            raise _Found(name, str(error)) from None
        self._passed("crash", "it loads, answers and lives on")
        self._sense(bundle, bundle.rows, probes.values)
        if recent is not None and live is not None:
            self._sense(bundle, live, recent.values)
        self._passed("sense", "every answer to known values is finite and within the card's bounds")
        self._parity(bundle, probes.values)
        self._latency(bundle.contract, [probes] + ([] if recent is None else [recent]))
        if in_force is not None:
            self._drift(bundle, in_force, live, probes, recent)

    def _probe(self, sandbox: Sandbox, bundle: Bundle) -> Answers:
        """Answer the probe rows, then go on until there are enough times."""
        probes = self._ask(sandbox, bundle.rows)
        wall, cpu, count = [probes.wall_us], [probes.cpu_us], len(bundle.rows)
        while count < self._limits.least_answers:
            again = self._ask(sandbox, bundle.rows[: self._limits.least_answers - count])
            wall.append(again.wall_us)
            cpu.append(again.cpu_us)
            count += len(again.values)
        return replace(probes, wall_us=np.concatenate(wall), cpu_us=np.concatenate(cpu))

    def _ask(self, sandbox: Sandbox, windows: NDArray[np.float32]) -> Answers:
        """Give it generous time: what is somewhat too slow is to be measured, not cut off."""
        budget_s = sandbox.contract.budget_us / 1e6
        return sandbox.answer(windows, 5.0 + 10 * budget_s * len(windows))

    def _sense(
        self, bundle: Bundle, windows: NDArray[np.float32], values: NDArray[np.float64]
    ) -> None:
        """Ask that whatever is known is answered; to NaN a model may say NaN."""
        known = np.isfinite(windows).all(axis=(1, 2))
        bad = [v for v in values[known] if not usable(float(v), bundle.contract)]
        bad += [v for v in values[~known] if np.isfinite(v) and not usable(v, bundle.contract)]
        if bad:
            raise _Found(
                "sense", f"{len(bad)} of {len(values)} answers make no sense, such as {bad[0]:g}"
            )

    def _parity(self, bundle: Bundle, values: NDArray[np.float64]) -> None:
        told = bundle.answers.astype(np.float64)
        apart = np.abs(values - told) / (1 + np.abs(told))
        apart[np.isnan(values) & np.isnan(told)] = 0.0
        worst = float(np.max(np.nan_to_num(apart, nan=np.inf)))
        if worst > self._limits.parity:
            raise _Found(
                "parity", f"answers are {worst:.2g} apart from those where it was made, more than "
                f"{self._limits.parity:g}"
            )  # fmt: skip
        self._passed("parity", f"{worst:.2g} apart from where it was made")

    def _latency(self, contract: Contract, all_answers: list[Answers]) -> None:
        """Judge by CPU time: what else this machine does is not the model's fault."""
        self._cpu = np.concatenate([one.cpu_us for one in all_answers])
        self._wall = np.concatenate([one.wall_us for one in all_answers])
        p99 = float(np.percentile(self._cpu, 99))
        text = f"p99 {p99:.0f} us of CPU, budget {contract.budget_us:.0f} us"
        if p99 > contract.budget_us:
            raise _Found("latency", text)
        self._passed("latency", text)

    def _drift(
        self,
        bundle: Bundle,
        old: Bundle,
        live: NDArray[np.float32] | None,
        probes: Answers,
        recent: Answers | None,
    ) -> None:
        windows, new = self._shared(bundle, old, live, probes, recent)
        if len(windows) < self._limits.least_windows:
            self._passed("drift", f"only {len(windows)} windows to compare on")
            return
        with Sandbox(old.model, old.contract) as sandbox:
            before = self._ask(sandbox, windows).values
        found = drift_of(new, bundle.contract, before, old.contract)
        text = f"{found.flips:.1%} of findings differ, answers shifted by {found.shift:.2g} IQR"
        if found.flips > self._limits.flips or found.shift > self._limits.shift:
            raise _Found("drift", text)
        self._passed("drift", text)

    def _shared(
        self,
        bundle: Bundle,
        old: Bundle,
        live: NDArray[np.float32] | None,
        probes: Answers,
        recent: Answers | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return windows of the old model, and what the new one says at the same moments."""
        windows = np.empty((0, *old.contract.shape), np.float32)
        new = np.empty(0)
        asks, asked = bundle.contract.question, old.contract.question
        if asks == asked:
            windows, new = bundle.rows, probes.values
        if recent is None or self._live is None or asks[:2] != asked[:2]:
            return windows, new
        ours = live if asks == asked else self._live(old.contract)
        if ours is None:
            return windows, new
        count = min(len(ours), len(recent.values))
        if count:
            windows = np.concatenate([windows, ours[-count:]])
            new = np.concatenate([new, recent.values[-count:]])
        return windows, new


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the answers of two models to the same windows are apart, see :class:`Limits`.

    ``lately`` is the shift of the newest 30 alone, where the windows stand in order of time: what
    turns late in a trial is lost in the median over all of it.
    """

    windows: int
    flips: float
    shift: float
    lately: float = 0.0


def drift_of(
    new: NDArray[np.float64],
    contract: Contract,
    old: NDArray[np.float64],
    old_contract: Contract,
) -> Drift:
    """Compare answers to the same windows; windows that either says NaN to are left out."""
    both = np.isfinite(new) & np.isfinite(old)
    if not both.any():
        return Drift(0, 0.0, 0.0)
    new, old = new[both], old[both]
    flips = 0.0
    if contract.threshold is not None and old_contract.threshold is not None:
        flips = float(np.mean((new >= contract.threshold) != (old >= old_contract.threshold)))
    low, high = np.percentile(old, [25, 75])
    # Answers that hardly vary must not make a rounding error look like drift.
    spread = max(float(high - low), 1e-3 * (1 + float(np.abs(np.median(old)))))
    apart = np.abs(new - old) / spread
    return Drift(len(new), flips, float(np.median(apart)), float(np.median(apart[-_LATELY:])))
