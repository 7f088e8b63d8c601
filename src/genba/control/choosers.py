"""Make the chooser of a process from what was learned of it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from genba.control.bound import bound
from genba.control.chooser import Chooser
from genba.control.continuous import ContinuousChooser
from genba.control.learned import kept_world, with_networks
from genba.control.run_to_run import RunToRunChooser
from genba.control.runs_kept import kept_runs
from genba.errors import ControlError
from genba.plant import Plant
from genba.twin.process import Clock

_SHORT = 12


def chooser_of(
    plant: Plant,
    process: str,
    folder: Path,
    key: Path,
    *,
    limit_s: float,
    plain: Mapping[str, float] | None = None,
) -> Chooser:
    """Read what was learned of a process, and make what chooses its set-points.

    Parameters
    ----------
    folder : Path
        Of what was learned of processes.
    key : Path
        That it was signed with.
    limit_s : float
        Wall seconds that one choice may take.
    plain : mapping, optional
        The plain controller's own set-points, where control drove before.

    Raises
    ------
    GenbaError
        If nothing was learned, the file was changed, or nothing can be chosen by it.
    """
    joined = bound(plant, process)
    if joined.physics.clock is Clock.RUN:
        kept = kept_runs(joined, folder, key)
        return RunToRunChooser(plant, joined, kept.beliefs, kept.model, plain=plain)
    world, seen = kept_world(joined, folder, key)
    model = digest_of(folder / f"{process}.json")
    return ContinuousChooser(
        with_networks(joined, world), world.belief, seen, model, limit_s=limit_s, plain=plain
    )


def experimenter_of(plant: Plant, process: str) -> Chooser:
    """Make what plays a first experiment on a process of which nothing was learned.

    It moves set-points around the recipe by what the physics' author guessed, and chooses nothing.

    Raises
    ------
    GenbaError
        If the process runs on in time: what its own controller does tells enough to begin with. Or
        if the plant file does not say what is wanted.
    """
    joined = bound(plant, process)
    if joined.physics.clock is not Clock.RUN:
        raise ControlError(
            f"nothing was learned of '{process}' yet; run `genba twin learn {process}` on what was "
            "recorded, and experiment after that"
        )
    return RunToRunChooser(plant, joined, (), "")


def digest_of(path: Path) -> str:
    """Give a short digest of what was learned.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_SHORT]
