"""The whole of a federation's training: rungs over all sites, beside what each would have alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from genba import __version__
from genba.errors import LearnError
from genba.learn.arrays import AnyArray, digest_of
from genba.learn.candidate import Candidate, exported
from genba.learn.data.lineage import Lineage
from genba.learn.federated.average import Round, network_of
from genba.learn.federated.design import Design
from genba.learn.federated.figures import scores_of
from genba.learn.federated.limits import limited
from genba.learn.federated.line import line_of, standards_of, usual_of
from genba.learn.federated.model import FederatedModel, Standards
from genba.learn.federated.plan import Plan, RecipeName
from genba.learn.federated.recipes import SharedLine, SharedNetwork
from genba.learn.federated.total import NoSum, Total, asked
from genba.learn.quality.ladder import PRIMARY, examine_quality
from genba.learn.recipe.card import Card, rungs_told, settings_told
from genba.learn.recipe.catalog import made_by
from genba.learn.recipe.examine import Scores
from genba.learn.recipe.ladder import Climb, Ladder, Rung, choose
from genba.learn.recipe.report import report_of
from genba.learn.registry.store import files_of

_MADE_UP_ROWS = 200
_KEPT_ROWS = 50
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """All rungs with their figures over all sites, and what is usual there."""

    climb: Climb
    standards: Standards
    rows: int


def study(total: Total, plan: Plan, told: Told = lambda text: None) -> Study:
    """Fit the plan's recipes over all sites, measure them, and choose.

    Raises
    ------
    LearnError
        If a sum makes no sense, or nothing can be fitted.
    """
    design = plan.design()
    view = design.view()
    standards, rows, labels = standards_of(total, design, view)
    usual = limited(total, design, usual_of(design, view, standards, labels))
    rungs = [_measured(total, design, _named(plan, "line", "usual"), usual, baseline=True)]
    line = line_of(total, design, view, standards)
    shared: list[Rung] = []
    for recipe in plan.recipes:
        told(f"shared {recipe}")
        rung = Rung(_recipe(plan, recipe), baseline=False)
        try:
            model = line if recipe == "line" else _network(total, design, line, rows[0], told)
            model = limited(total, design, model)
        except NoSum:
            raise
        except LearnError as error:
            shared.append(replace(rung, failed=str(error)))
            continue
        shared.append(_measured(total, design, _recipe(plan, recipe), model, baseline=False))
        named = _named(plan, recipe, f"each site alone, {recipe}")
        own = [_own(total, design, recipe, part) for part in ("choose", "test")]
        rungs.append(Rung(named, True, 0.0, own[0], own[1]))
    kind = design.kind
    ladder = Ladder(design.task, (), (), examine_quality, PRIMARY[kind])
    chosen = choose(ladder, shared)
    beats = chosen is not None and all(choose(ladder, [low, chosen]) is chosen for low in rungs)
    return Study(Climb(ladder, (*rungs, *shared), chosen, beats), standards, round(rows.sum()))


def _network(
    total: Total, design: Design, line: FederatedModel, rows: float, told: Told
) -> FederatedModel:
    def heard(one: Round) -> None:
        what = f"round {one.number}" if one.number else "polishing"
        text = f"{what}: held-out loss {one.loss:.4g}"
        told(f"{text}; not taken in: {one.refused}" if one.refused else text)

    return network_of(total, design, line, float(rows), heard)


def _recipe(plan: Plan, recipe: RecipeName) -> SharedLine | SharedNetwork:
    design = plan.design()
    if recipe == "line":
        return SharedLine(design.task, design.window)
    return SharedNetwork(design.task, design.window, design.tuning)


def _named(plan: Plan, recipe: RecipeName, name: str) -> SharedLine | SharedNetwork:
    return replace(_recipe(plan, recipe), name=name)


def _measured(
    total: Total,
    design: Design,
    recipe: SharedLine | SharedNetwork,
    model: FederatedModel,
    *,
    baseline: bool,
) -> Rung:
    figures = [
        scores_of(design, total(asked("figures", model.core(), part=part)))
        for part in ("choose", "test")
    ]
    return Rung(recipe, baseline, 0.0, figures[0], figures[1], "", model)


def _own(total: Total, design: Design, recipe: str, part: str) -> Scores:
    return scores_of(design, total(asked("own", recipe=recipe, part=part)))


def candidate_of(
    total: Total,
    plan: Plan,
    found: Study,
    commitments: Mapping[str, str],
    presence: Mapping[str, int],
    sums: int,
) -> Candidate:
    """Make a candidate like any other; its lineage names what each site says of its data.

    Parameters
    ----------
    commitments : mapping of str to str
        By site: a salted hash of its data's digest, which it alone can open.
    presence : mapping of str to int
        In how many of the ``sums`` each site was.

    Raises
    ------
    LearnError
        If nothing can be chosen, or ONNX says something else at a site.
    """
    chosen = found.climb.chosen
    if chosen is None or not isinstance(chosen.model, FederatedModel):
        whys = "; ".join(f"{r.recipe.name}: {r.failed}" for r in found.climb.rungs if r.failed)
        raise LearnError(f"no recipe could be chosen: {whys or 'all figures are undefined'}")
    model, design = chosen.model, plan.design()
    inputs = _made_up(design, found.standards)
    content, parity = exported(chosen, inputs)
    holds, asked_of = total(asked("parity", model.core()))
    if round(holds) != round(asked_of):
        raise LearnError(
            f"ONNX says something else than '{chosen.recipe.name}' on the windows of "
            f"{round(asked_of - holds)} of {round(asked_of)} sites: it is not exported"
        )
    lineage = Lineage(
        "federated", plan.as_json(), f"{plan.federation} sha256:{plan.digest()}", seed=plan.seed
    ).as_json()
    lineage["sites"] = dict(sorted(commitments.items()))
    card = Card(
        task=design.task,
        recipe=chosen.recipe.name,
        made_by=made_by(chosen.recipe),
        settings=settings_told(chosen.recipe),
        equipment="",
        columns=design.columns,
        window=design.window,
        step_s=None,
        threshold=model.threshold,
        target=plan.target.model_dump(mode="json"),
        lineage=lineage,
        data_digest=digest_of(*(f"{s} {c}" for s, c in sorted(commitments.items()))),
        split=f"at each site by itself (--split {plan.split})",
        seed=plan.seed,
        tested=dict(chosen.tested or {}),
        rungs=rungs_told(found.climb),
        parity=parity.differences,
        limits=_limits(plan, found, presence, sums),
    )
    rows: dict[str, AnyArray] = {"inputs": inputs[:_KEPT_ROWS].astype(np.float32)}
    answers = model.predict(rows["inputs"].astype(np.float64)).outputs()
    report = report_of(card)
    files = files_of(card, report, content, model.parts(), {**rows, **answers})
    return Candidate(card, report, found.climb, model, files)


def _made_up(design: Design, standards: Standards) -> np.ndarray:
    """Draw windows around what is usual: no site's row is in them."""
    random = np.random.default_rng(design.seed)
    shape = (_MADE_UP_ROWS, design.window, len(design.columns))
    return random.normal(standards.typical, standards.spread, shape)


def _limits(plan: Plan, found: Study, presence: Mapping[str, int], sums: int) -> tuple[str, ...]:
    told = [
        f"Trained by {len(plan.sites)} sites ({', '.join(plan.sites)}) that kept their "
        f"{found.rows:,} rows; all figures are sums over sites (Genba {__version__}).",
        "The windows kept beside it are made up around what is usual: parity was shown on each "
        "site's own windows, and the answers here are no recording.",
    ]
    there = {site: presence.get(site, 0) for site in plan.sites}
    if rare := [f"{site} in {count}" for site, count in there.items() if count < sums]:
        told.append(f"Not every site was in each of the {sums} sums: {', '.join(rare)}.")
    if not found.climb.beats:
        told.append(
            "It is no better than what is usual, or than each site alone: there is no reason to "
            "release it."
        )
    return tuple(told)
