"""One machine's shelf of models: what came, what was found, what runs, and what ran before.

::

    shelf/<address>.bundle   releases as they came, byte for byte
    state.json               what is in force, on trial and before, for each model
    history.jsonl            everything that was done (:mod:`genba.learn.registry.history`)

A release passes *received* (tried out in a process of its own beside what runs), *on trial* (it
is asked about live values, in a process of its own, while what it replaces answers) and *in
force*. Taking it back makes the release before it answer again, from the very bytes that came.
"""

import json
import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from genba.errors import LearnError
from genba.learn.edge.bundle import Bundle, address_of, open_bundle
from genba.learn.edge.keys import Trust
from genba.learn.edge.shadow import Limits, Live, Report, try_out
from genba.learn.registry.history import History, What
from genba.plant import format_time

KEPT = 5
"""Releases of a model that stay on the shelf, beside those in use."""
MOST_STARTS = 3
"""Starts in a row after which nobody said that all is well: then what is in force goes back."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The addresses of one model's releases; None where there is none."""

    force: str | None = None
    trial: str | None = None
    before: str | None = None


def slots_in(folder: Path) -> dict[str, Slot]:
    """Read, from outside the process that holds it, what runs at a machine, by model name.

    Raises
    ------
    LearnError
        If the folder is damaged.
    """
    return {name: Slot(**slot) for name, slot in _told_in(folder).get("slots", {}).items()}


def _told_in(folder: Path) -> dict[str, Any]:
    """Read a machine's state; empty where there is none yet."""
    path = folder / "state.json"
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        raise _damaged(path) from None


def _damaged(path: Path) -> LearnError:
    return LearnError(f"{path} is damaged; restore it from a backup, or remove it and release anew")


def on_shelf(folder: Path, address: str) -> Path:
    """Return where a machine keeps the bytes of a release, in the folder of its models."""
    return folder / "shelf" / f"{address}.bundle"


class _Passed(NamedTuple):
    """A release that came and passed: the name of its model, and which registered model it is."""

    name: str
    digest: str


class Node:
    """The models of one machine. One process holds it; its state survives ``kill -9``.

    All methods may be called from several threads.

    Parameters
    ----------
    folder : Path
        Where they lie.
    name : str
        What this machine is called in roll-outs.
    trust : Trust
        Whose releases it takes.
    now : callable
        Microseconds UTC.
    signals : collection of str, optional
        What it knows; None takes any.
    live : callable, optional
        Newest windows, for the trial beside what runs.

    Raises
    ------
    LearnError
        If the folder is damaged.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        trust: Trust,
        now: Callable[[], int],
        signals: Collection[str] | None = None,
        live: Live | None = None,
    ) -> None:
        self.name = name
        self._lock = threading.RLock()
        self._folder = folder
        (folder / "shelf").mkdir(parents=True, exist_ok=True)
        self._trust = trust
        self._now = now
        self._signals = signals
        self._live = live
        self.history = History(folder / "history.jsonl")
        self._starts = 0
        self.taken_back: dict[str, str] = {}
        """Why something was taken back last, by model."""
        self._slots, self._passed, self.numbers = self._load()
        self._noted = max((event.number for event in self.history.events()), default=0)
        self.revision = self._noted
        """Counts up with each change of what runs: tells which of two states is the newer."""
        self._drop_trials()
        self._count_start()

    # -- looking ------------------------------------------------------------------------------

    def slots(self) -> Mapping[str, Slot]:
        """Return what is in force, on trial and before, by model name."""
        return dict(self._slots)

    def slot(self, model: str) -> Slot:
        """Return what is in force, on trial and before, of one model."""
        return self._slots.get(model, Slot())

    def bundle(self, address: str) -> Bundle:
        """Read a release from the shelf; signature and digests are checked again.

        Raises
        ------
        LearnError
            If it is not there, was altered, or its key is trusted no more.
        """
        bundle = open_bundle(self.content(address), self._trust)
        if bundle.address != address:
            raise LearnError(f"release {address[:12]} was altered on the shelf; send it again")
        return bundle

    def content(self, address: str) -> bytes:
        """Read the bytes of a release.

        Raises
        ------
        LearnError
            If it is not on the shelf.
        """
        try:
            return self._file(address).read_bytes()
        except OSError:
            raise LearnError(
                f"release {address[:12]} is not on the shelf of {self.name}; send it again"
            ) from None

    # -- doing --------------------------------------------------------------------------------

    def receive(self, content: bytes, limits: Limits | None = None, by: str = "") -> Report:
        """Try a release out beside what runs; one that passes is put on the shelf.

        Returns
        -------
        Report
            What was found; nothing of what runs has changed.
        """
        came = self._opened(content)
        force = None if came is None else self._in_force_beside(came)
        report = try_out(
            content, self._trust, signals=self._signals, in_force=force, live=self._live,
            limits=limits,
        )  # fmt: skip
        if report.passed:
            self._put_on_shelf(report, content, by)
        else:
            address = report.address or _address(content)
            digest = "" if came is None else came.digest
            self._note(What.REFUSED, by, address, digest, why=report.why, **_figures(report))
        return report

    def activate(self, address: str, by: str = "") -> Slot:
        """Put a release that passed on trial.

        Raises
        ------
        LearnError
            If it was not received, or did not pass.
        """
        with self._lock:
            passed = self._passed.get(address)
            if passed is None:
                raise LearnError(
                    f"release {address[:12]} did not pass at {self.name}, or never came; "
                    "send it first"
                )
            self.bundle(address)
            slot = self.slot(passed.name)
            if address in (slot.force, slot.trial):
                return slot
            if slot.trial is not None:
                self._note(What.STOPPED, by, slot.trial, why=f"{address[:12]} is tried instead")
            self._note(What.TRIAL, by, address)
            return self._turn(passed.name, replace(slot, trial=address))

    def confirm(self, model: str) -> Slot:
        """Put in force what is on trial.

        Raises
        ------
        LearnError
            If nothing is on trial.
        """
        with self._lock:
            slot = self.slot(model)
            if slot.trial is None:
                raise LearnError(
                    f"no release of '{model}' is on trial at {self.name}; activate one"
                )
            self._note(What.STARTED, address=slot.trial)
            if slot.force is not None:
                self._note(What.STOPPED, address=slot.force)
            return self._turn(model, Slot(force=slot.trial, before=slot.force))

    def roll_back(self, model: str, why: str, by: str = "", address: str | None = None) -> Slot:
        """Take back what is on trial, else what is in force; then the one before is in force again.

        With an ``address`` it is that one, and nothing where it does not run: so that asking twice
        goes back once.

        Raises
        ------
        LearnError
            If the release to go back to is not what it was.
        """
        with self._lock:
            slot = self.slot(model)
            gone = address or slot.trial or slot.force
            if gone is None or gone not in (slot.trial, slot.force):
                return slot
            if gone == slot.trial:
                after = replace(slot, trial=None)
            else:
                if slot.before is not None:
                    self.bundle(slot.before)
                after = Slot(force=slot.before, trial=slot.trial)
            self._note(What.ROLLED_BACK, by, gone, why=why, to=after.force)
            if gone == slot.force and after.force is not None:
                self._note(What.STARTED, by, after.force, why=f"{gone[:12]} was taken back")
            self.taken_back[model] = why
            return self._turn(model, after)

    def note(self, what: What, **facts: Any) -> None:
        """Add to the history."""
        self._note(what, **facts)

    def well(self) -> None:
        """Say that this process has run for a while, or ends in good order."""
        with self._lock:
            if self._starts:
                self._starts = 0
                self._keep()

    def accept_number(self, key: str, number: int) -> bool:
        """Whether an order's number is higher than any before of that key; it is used up then."""
        with self._lock:
            if number <= self.numbers.get(key, -1):
                return False
            self.numbers[key] = number
            self._keep()
            return True

    # -- inside -------------------------------------------------------------------------------

    def _put_on_shelf(self, report: Report, content: bytes, by: str) -> None:
        _write(self._file(report.address), content)
        bundle = self.bundle(report.address)
        with self._lock:
            self._passed[report.address] = _Passed(bundle.contract.name, bundle.digest)
            self._keep()
            self._note(What.RECEIVED, by, report.address, **_figures(report))
            self._prune(bundle.contract.name)

    def _opened(self, content: bytes) -> Bundle | None:
        """Open a release; None where it is none that this machine takes."""
        try:
            return open_bundle(content, self._trust)
        except LearnError:
            return None

    def _in_force_beside(self, came: Bundle) -> Bundle | None:
        """Return what a release would replace, None where there is none that can be read."""
        force = self.slot(came.contract.name).force
        try:
            return None if force is None else self.bundle(force)
        except LearnError:
            return None

    def _turn(self, model: str, slot: Slot) -> Slot:
        """Change what runs. It is noted first: nothing ever runs that the history lacks."""
        self._slots[model] = slot
        self.revision = self._noted
        self._keep()
        return slot

    def _drop_trials(self) -> None:
        """What was on trial when this process ended has not proven itself."""
        for model, slot in list(self._slots.items()):
            if slot.trial is not None:
                self.roll_back(model, "the process ended during the trial", address=slot.trial)

    def _count_start(self) -> None:
        """Take back what is in force where process after process died soon after its start."""
        self._starts += 1
        if self._starts > MOST_STARTS:
            self._starts = 0
            for model, slot in list(self._slots.items()):
                why = f"the process died {MOST_STARTS} times soon after its start"
                self.roll_back(model, why, address=slot.force)
        self._keep()

    def _note(
        self, what: What, by: str = "", address: str = "", digest: str = "", **facts: Any
    ) -> None:
        """Write down what happened; of a release that passed here, whose it is as well."""
        of = {"address": address} if address else {}
        if address in self._passed:
            of["name"], digest = self._passed[address]
        event = self.history.add(
            what, digest, format_time(self._now()), by=by, where=self.name, data={**of, **facts}
        )
        self._noted = event.number

    def _file(self, address: str) -> Path:
        return on_shelf(self._folder, address)

    def _prune(self, model: str) -> None:
        slot = self.slot(model)
        used = {slot.force, slot.trial, slot.before}
        own = [a for a, one in self._passed.items() if one.name == model and a not in used]
        for address in own[:-KEPT]:
            del self._passed[address]
            self._file(address).unlink(missing_ok=True)
        self._keep()

    def _load(self) -> tuple[dict[str, Slot], dict[str, _Passed], dict[str, int]]:
        told = _told_in(self._folder)
        if not told:
            return {}, {}, {}
        try:
            slots = {name: Slot(**slot) for name, slot in told["slots"].items()}
            self._starts = int(told["starts"])
            passed = {address: _Passed(*one) for address, one in told["passed"].items()}
            self.taken_back = dict(told["taken_back"])
            return slots, passed, dict(told["numbers"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _damaged(self._folder / "state.json") from None

    def _keep(self) -> None:
        told = {
            "slots": {name: asdict(slot) for name, slot in self._slots.items()},
            "passed": {address: [one.name, one.digest] for address, one in self._passed.items()},
            "numbers": self.numbers,
            "revision": self.revision,
            "taken_back": self.taken_back,
            "starts": self._starts,
        }
        _write(self._folder / "state.json", json.dumps(told, indent=1).encode())


def _address(content: bytes) -> str:
    try:
        return address_of(content)
    except LearnError:
        return ""


def _figures(report: Report) -> dict[str, Any]:
    figures = {"p50_us": report.p50_us, "p99_us": report.p99_us, "memory_mb": report.memory_mb}
    known = {name: round(value, 1) for name, value in figures.items() if value is not None}
    return {**known, "checks": [check.name for check in report.checks if check.passed]}


def _write(path: Path, content: bytes) -> None:
    """Replace a file so that a crash leaves the old or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
