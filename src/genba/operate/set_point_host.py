"""What happens in the process of the choosers: messages in, one answer to each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from genba.control.chooser import Chooser, Held, Setting
from genba.errors import GenbaError
from genba.plant import Plant, Sample


@dataclass(frozen=True, slots=True)
class Begin:
    """The first message: whose process this is."""

    plant: Plant
    folder: Path
    """Of what was learned of processes."""
    key: Path
    limit_s: float
    """Wall seconds that one choice may take."""


@dataclass(frozen=True, slots=True)
class Drive:
    """Make the chooser of a process, anew if there is one."""

    process: str
    plain: Mapping[str, float]
    """The plain controller's own set-points, as far as they are known."""
    first: bool = False
    """Nothing was learned of it: it is only to play an experiment."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget the chooser of a process."""

    process: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What came until now, oldest first. Whatever is due is chosen."""

    now: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Try:
    """Begin an experiment of some steps, or, with 0, end the one that runs."""

    process: str
    steps: int
    now: int


@dataclass(frozen=True, slots=True)
class Wrote:
    """What was written for control, so that it is not taken for somebody else's."""

    process: str
    writes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ready:
    """A chooser was made."""

    process: str
    model: str
    about: str
    signals: tuple[str, ...]
    steps: Mapping[str, float]
    waits: bool = False
    """Whether its experiments wait between jobs, when machines write their recipes."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """None could be made."""

    process: str
    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """What was chosen at plant time ``now``, by process."""

    now: int
    choices: Mapping[str, Setting | Held]


@dataclass(frozen=True, slots=True)
class Tried:
    """What an experiment promises, or why there is none."""

    process: str
    begun: bool
    told: str


Message = Drive | Drop | Moment | Try | Wrote
Reply = Ready | Unfit | Said | Tried | None


class _Experiments(Protocol):
    def experiment(self, rows: int, now: int, seed: int = 0) -> str: ...

    def end_experiment(self) -> None: ...


@runtime_checkable
class Waiting(Protocol):
    """A chooser whose experiments wait where nothing can be tried at the moment."""

    @property
    def waits(self) -> bool:
        """Whether the experiment goes on later."""
        ...


@runtime_checkable
class Told(Protocol):
    """A chooser that wants to know what was written for it."""

    def wrote(self, writes: Mapping[str, float]) -> None:
        """Learn it, before any sample shows it."""
        ...


Make = Callable[[str, Mapping[str, float]], Chooser]
MakeFirst = Callable[[str], Chooser]


class ChooserHost:
    """Hosts the choosers of one plant.

    Parameters
    ----------
    make : callable
        Makes the chooser of a process with the plain controller's set-points; raises GenbaError.
    first : callable
        Makes what plays a first experiment; raises GenbaError.
    """

    def __init__(self, make: Make, first: MakeFirst) -> None:
        self._make, self._first = make, first
        self._choosers: dict[str, Chooser] = {}

    def answer(self, message: Message, *, newest: bool = True) -> Reply:
        """Answer a message; nothing is chosen at a moment behind which a newer one waits."""
        match message:
            case Drive():
                return self._drive(message)
            case Drop():
                self._choosers.pop(message.process, None)
                return None
            case Try():
                return self._try(message)
            case Wrote():
                chooser: object = self._choosers.get(message.process)
                if isinstance(chooser, Told):
                    chooser.wrote(message.writes)
                return None
            case Moment():
                choices = {}
                for name, chooser in self._choosers.items():
                    choice = _asked(chooser, message, newest=newest)
                    if choice is not None:
                        choices[name] = choice
                return Said(message.now, choices)

    def _drive(self, wanted: Drive) -> Ready | Unfit:
        self._choosers.pop(wanted.process, None)
        try:
            made = (
                self._first(wanted.process)
                if wanted.first
                else self._make(wanted.process, wanted.plain)
            )
        except (GenbaError, OSError) as error:
            return Unfit(wanted.process, str(error))
        except Exception as error:  # noqa: BLE001 - physics come from packages, too
            return Unfit(wanted.process, f"no chooser: {type(error).__name__}: {error}")
        self._choosers[wanted.process] = made
        able: object = made
        return Ready(
            made.process, made.model, made.about, tuple(made.signals), dict(made.steps),
            isinstance(able, Waiting),
        )  # fmt: skip

    def _try(self, wanted: Try) -> Tried | None:
        chooser: object = self._choosers.get(wanted.process)
        if not (hasattr(chooser, "experiment") and hasattr(chooser, "end_experiment")):
            return Tried(wanted.process, False, "nothing was learned of it that could be tried")
        able: _Experiments = chooser
        if not wanted.steps:
            able.end_experiment()
            return None
        try:
            return Tried(wanted.process, True, able.experiment(wanted.steps, wanted.now))
        except GenbaError as error:
            return Tried(wanted.process, False, str(error))


def _asked(chooser: Chooser, moment: Moment, *, newest: bool) -> Setting | Held | None:
    """Show a moment to one chooser; whatever it raises is a reason to hold."""
    names = frozenset(chooser.signals)
    try:
        chooser.take([sample for sample in moment.samples if sample.signal in names])
        if newest and chooser.due(moment.now):
            choice = chooser.choose(moment.now)
            able: object = chooser
            if isinstance(choice, Held) and isinstance(able, Waiting):
                return replace(choice, waits=able.waits)
            return choice
    except Exception as error:  # noqa: BLE001 - physics come from packages, too
        return Held(f"its chooser failed: {type(error).__name__}: {error}", doubted=True)
    return None


def answers_to(host: ChooserHost, waiting: Sequence[Message]) -> list[Reply]:
    """Answer what waits, in order."""
    moments = [place for place, one in enumerate(waiting) if isinstance(one, Moment)]
    last = moments[-1] if moments else -1
    return [host.answer(one, newest=place == last) for place, one in enumerate(waiting)]
