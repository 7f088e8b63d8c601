"""A model of pictures in shadow over some that it never saw: asked as it would be at the camera."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.edge.pictures import seen
from genba.learn.edge.sandbox import Sandbox
from genba.learn.edge.session import usable
from genba.learn.edge.shadow import drift_of, try_out
from genba.learn.inspect.seen import LIGHT, Seen, light_of, print_of, seen_by
from genba.learn.registry.store import Registered, Registry
from genba.learn.verify.counted import Counted, Share
from genba.learn.verify.replay import Replay
from genba.learn.verify.shown import Shown
from genba.learn.verify.verified import MOST_UNKNOWN, Beside, Terms, Verdict, warned_of
from genba.learn.watch.drift import Drift
from genba.learn.watch.drift import drift_of as moved
from genba.learn.watch.reference import FEWEST as FEWEST_SEEN
from genba.learn.watch.reference import sketch_of
from genba.plant import Plant

FEWEST = 30
"""Pictures below which nothing is said."""
_AT_ONCE = 16
_SHADOW_BYTES = 64 * 2**20
"""What is shown in the shadow window, at most."""
_SHADOW = 60
_WITHIN_S = 60.0


def verify_pictures(
    registry: Registry,
    model: Registered,
    plant: Plant,
    shown: Sequence[Shown],
    terms: Terms,
    *,
    good: str = "good",
    in_force: bytes | None = None,
    told: Callable[[str, float], None] = lambda what, share: None,
) -> Verdict:
    """Run a model in shadow over pictures, through the code that would run it at the camera.

    Packs it as it would be released; asks of it what a machine asks (:func:`try_out`); shows it
    each picture that it has not learned from; counts, where people say what pictures show, good
    ones that it tells falsely and defects that it finds; compares it with what is in force.

    Parameters
    ----------
    shown : sequence of Shown
        See :func:`~genba.learn.verify.shown.shown_in`.
    good : str
        Label of good pictures.
    in_force : bytes, optional
        The release that it would replace.

    Raises
    ------
    LearnError
        If it cannot run at a machine, or there are too few pictures to say anything.
    """
    key = ReleaseKey.at(registry.key)
    trust = Trust((key.public,))
    content = release_of(model, key, **terms.of_release())
    bundle = open_bundle(content, trust)
    old = None if in_force is None else open_bundle(in_force, trust)
    known = seen_by(model)
    period = shown[0].time, shown[-1].time + 1
    told("trying it out", 0.0)
    shadow = try_out(
        content, trust, signals=set(plant.signals), live=lambda _: _some(bundle, shown)
    )
    of = partial(Verdict, bundle.address, *period, terms, shadow)
    if not shadow.passed:
        return of((shadow.why,))
    try:
        said = _ask(bundle, old, shown, known, partial(told, "showing pictures"))
    except LearnError as error:
        return of((str(error),))
    _refuse_few(model, said)
    counted = _counted(bundle, said, known, good)
    run = _run(bundle, said)
    beside = None if old is None else _beside(bundle, old, said)
    inputs = _light(known, said)
    warned = (*warned_of(model, None, terms, beside, inputs), *_warned(counted))
    why = _against(run, counted, terms)
    return of(why, run, None, beside, inputs, warnings=warned, pictures=counted)


@dataclass(slots=True)
class _Said:
    """What came of each picture that was judged, and why the others were not."""

    shown: list[Shown] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    """What is in force says, NaN where it cannot."""
    light: list[tuple[float, float]] = field(default_factory=list)
    unfit: dict[str, str] = field(default_factory=dict)
    learned: int = 0


def _ask(
    bundle: Bundle,
    old: Bundle | None,
    shown: Sequence[Shown],
    known: Seen | None,
    told: Callable[[float], None],
) -> _Said:
    """Show each picture to the model, and to what is in force, each in a process of its own."""
    said = _Said()
    with ExitStack() as stack:
        new = stack.enter_context(Sandbox(bundle.model, bundle.contract))
        before = None
        if old is not None and old.contract.picture is not None:
            before = stack.enter_context(Sandbox(old.model, old.contract))
        for part, windows in _read(bundle, shown, known, said):
            said.shown += part
            said.light += [light_of(one) for one in windows]
            said.values += new.answer(windows, _WITHIN_S * len(part)).values.tolist()
            if before is not None:
                said.before += [_other(before, one) for one in part]
            done = len(said.shown) + len(said.unfit) + said.learned
            told(done / len(shown))
    return said


def _read(
    bundle: Bundle, shown: Sequence[Shown], known: Seen | None, said: _Said
) -> Iterator[tuple[list[Shown], NDArray[np.float32]]]:
    """Yield pictures as the model sees them, some at once; note those that it cannot be shown."""
    part: list[Shown] = []
    windows: list[NDArray[np.float32]] = []
    for one in shown:
        try:
            window = seen(bundle.contract, one.path)
        except LearnError as error:
            said.unfit[one.name] = str(error)
            continue
        if known is not None and print_of(window.astype(np.uint8)) in known.prints:
            said.learned += 1
            continue
        part.append(one)
        windows.append(window)
        if len(part) == _AT_ONCE:
            yield part, np.stack(windows)
            part, windows = [], []
    if part:
        yield part, np.stack(windows)


def _other(sandbox: Sandbox, one: Shown) -> float:
    try:
        window = seen(sandbox.contract, one.path)
    except LearnError:
        return float("nan")
    return float(sandbox.answer(window[None], _WITHIN_S).values[0])


def _some(bundle: Bundle, shown: Sequence[Shown]) -> NDArray[np.float32] | None:
    """Return some pictures, evenly spread, for the shadow window."""
    height, width = bundle.contract.shape
    most = int(min(_SHADOW, max(4, _SHADOW_BYTES // (4 * height * width))))
    rows = np.linspace(0, len(shown) - 1, min(most, len(shown))).astype(np.int64)
    found = []
    for row in rows.tolist():
        try:
            found.append(seen(bundle.contract, shown[row].path))
        except LearnError:
            continue
    return np.stack(found) if found else None


def _refuse_few(model: Registered, said: _Said) -> None:
    """Refuse to say anything of too few pictures, with what keeps the others from being judged."""
    judged = len(said.shown)
    if judged >= FEWEST or len(said.unfit) > judged:
        return
    left = f" ({said.learned} more were learned from, and prove nothing)" if said.learned else ""
    raise LearnError(
        f"model {model.digest[:12]} can be shown {judged} pictures that it has not seen{left}; "
        f"{FEWEST} are needed to say anything: give more with --pictures"
    )


def _counted(bundle: Bundle, said: _Said, known: Seen | None, good: str) -> Counted:
    threshold = bundle.contract.threshold
    assert threshold is not None  # noqa: S101 - every model of pictures has one
    values = np.array(said.values, np.float64)
    told = values >= threshold
    names = tuple(one.name for one, bad in zip(said.shown, told, strict=True) if bad)
    kinds = np.array([one.kind for one in said.shown], np.str_)
    labelled = bool((kinds != "").any())
    shares = {
        str(kind): Share(int(told[kinds == kind].sum()), int((kinds == kind).sum()))
        for kind in np.unique(kinds)
        if kind
    }
    false = shares.pop(good, None)
    auc = None if false is None or not shares else _auc(kinds != good, values)
    learned = None if known is None else said.learned
    every = [one.name for one in said.shown]
    missed = tuple(every[row] for row in np.flatnonzero(~told & ~np.isin(kinds, (good, ""))))
    wrongly = tuple(every[row] for row in np.flatnonzero(told & (kinds == good)))
    return Counted(
        *(names, len(values), labelled, false, shares, auc, said.unfit, learned, missed, wrongly)
    )


def _auc(bad: NDArray[np.bool_], values: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(bad, np.nan_to_num(values)))


def _run(bundle: Bundle, said: _Said) -> Replay:
    """Put it as a replay is put; a picture that cannot be judged is a moment without an answer."""
    values = np.array(said.values, np.float64)
    sensible = np.array([usable(value, bundle.contract) for value in said.values], np.bool_)
    worst = run = 0
    for fine in sensible.tolist():
        run = 0 if fine else run + 1
        worst = max(worst, run)
    time = np.array([one.time for one in said.shown], np.int64)
    whole = len(said.shown) + len(said.unfit)
    kept = np.where(sensible, values, np.nan)
    return Replay(time, kept, (), whole, int((~sensible).sum()), worst)


def _beside(bundle: Bundle, old: Bundle, said: _Said) -> Beside | None:
    if not said.before or old.contract.threshold is None:
        return None
    before = np.array(said.before, np.float64)
    apart = drift_of(np.array(said.values, np.float64), bundle.contract, before, old.contract)
    return Beside(old.address, apart, int((before >= old.contract.threshold).sum()))


def _light(known: Seen | None, said: _Said) -> Drift | None:
    """Compare the light of these pictures with that of those that it learned from."""
    if known is None or len(known.light) < FEWEST_SEEN or not said.light:
        return None
    # They lie in the order of their names, by kind: read as a series, that would look like memory.
    mixed = np.random.default_rng(0).permutation(known.light)
    return moved(sketch_of(LIGHT, mixed), np.array(said.light, np.float64))


def _against(run: Replay, counted: Counted, terms: Terms) -> tuple[str, ...]:
    """Return what speaks against it."""
    why: list[str] = []
    if run.unbearable:
        why.append(f"{run.worst_run} answers in a row make no sense; see --low and --high")
    if run.unknown > MOST_UNKNOWN:
        first = next(iter(counted.unfit.values()), "it says nothing that makes sense of them")
        why.append(
            f"it cannot judge {run.at_work - run.answers} of {run.at_work} pictures; "
            f"the first: {first}"
        )
    false, found = counted.false, counted.found
    if false is not None and false.low > terms.false_alarms:
        why.append(
            f"it tells {false} good pictures falsely, and {terms.false_alarms:.1%} are allowed "
            "(--false-alarms); if they do show defects, mend their labels, else train it on such "
            "good ones, too"
        )
    elif terms.certain and false is not None and false.high > terms.false_alarms:
        why.append(
            f"it tells {false} good pictures falsely: not sure to be {terms.false_alarms:.1%} or "
            "less; show it more good ones"
        )
    if found is not None and found.high < terms.found:
        worst = min(counted.kinds, key=lambda kind: _rate(counted.kinds[kind]))
        why.append(
            f"it finds {found} defects, and {terms.found:.0%} are asked for (--found); least of "
            f"'{worst}': train it on more of them"
        )
    return tuple(why)


def _rate(share: Share) -> float:
    return share.count / share.of


def _warned(counted: Counted) -> tuple[str, ...]:
    """Return what a person should know before it is released."""
    told = []
    if not counted.labelled:
        told.append(
            "nobody says what these pictures show, so that this proves neither what it misses nor "
            "what it tells falsely; sort them into sub-folders, or give a table with --labels"
        )
    elif not counted.kinds:
        told.append("none of these pictures shows a defect: nothing is said of what it misses")
    elif missed := [kind for kind, share in counted.kinds.items() if share.count == 0]:
        told.append(f"it found none of: {', '.join(missed)}")
    if counted.learned:
        told.append(f"{counted.learned} pictures were left out: it has learned from them")
    if counted.learned is None:
        told.append(
            "it does not tell which pictures it learned from (it is of an older Genba); see to it "
            "yourself that these are others"
        )
    return tuple(told)
