"""What sums over sites teach: the line of pooled rows, and a network that unlike sites agree on."""

from dataclasses import replace

import numpy as np
import pytest
from tests.learn.federated.works import SITES, plan_for, rows_of

from genba.errors import LearnError
from genba.learn.data.column import Column
from genba.learn.data.dataset import Dataset
from genba.learn.data.target import Target
from genba.learn.features.windows import Windows
from genba.learn.federated.average import Round, network_of
from genba.learn.federated.design import Design, Tuning
from genba.learn.federated.figures import figures_of, scores_of
from genba.learn.federated.limits import limited
from genba.learn.federated.line import line_of, standards_of
from genba.learn.federated.message import Message
from genba.learn.federated.network import Shape, losses_of, raw_of, slope_of
from genba.learn.federated.plan import plan_of
from genba.learn.federated.recipes import SharedLine, SharedNetwork
from genba.learn.federated.site import ready
from genba.learn.federated.total import Total, plain
from genba.learn.federated.worker import KINDS, Worker
from genba.learn.quality.ladder import examine_quality
from genba.learn.recipe.check import check_recipe
from genba.learn.recipe.examine import examine_number
from genba.learn.recipe.protocol import Task
from genba.learn.recipe.samples import sample_for
from genba.learn.regression.ridge import fit_ridge


def parts_of(data: Dataset) -> dict[str, Dataset]:
    rows = np.arange(data.rows)
    cuts = np.split(rows, (np.array([0.5, 0.65, 0.8]) * data.rows).astype(int))
    return dict(zip(("train", "held", "choose", "test"), map(data.take, cuts), strict=True))


def pooled(sites: list[dict[str, Dataset]]) -> dict[str, Dataset]:
    found = {}
    for part in sites[0]:
        all_rows = [site[part] for site in sites]
        first = all_rows[0]
        units = np.concatenate([np.full(one.rows, str(k)) for k, one in enumerate(all_rows)])
        found[part] = replace(
            first,
            values=np.concatenate([one.values for one in all_rows]),
            time=np.concatenate([one.time for one in all_rows]),
            groups={"unit": units},
            target=replace(first.target, values=np.concatenate([one.labels() for one in all_rows])),
        )
    return found


def workers_of(kind: str, **how) -> tuple[Design, list[Worker], Worker]:
    design = replace(plan_for(kind).design(), **how)
    sites = [parts_of(rows_of(site, kind=kind)) for site in SITES]
    apart = [Worker(design, parts, name) for name, parts in zip(SITES, sites, strict=True)]
    return design, apart, Worker(design, pooled(sites))


@pytest.mark.parametrize("kind", ["number", "two", "many"])
def test_a_line_over_sites_is_the_line_of_pooled_rows(kind: str) -> None:
    design, apart, whole = workers_of(kind)
    view = design.view()
    models = []
    for total in (plain(apart), plain([whole])):
        standards, _, _ = standards_of(total, design, view)
        models.append(limited(total, design, line_of(total, design, view, standards)))
    assert np.abs(models[0].flat - models[1].flat).max() < 1e-9
    assert np.allclose(models[0].head.limits, models[1].head.limits, atol=1e-9)
    assert models[0].head.slope == pytest.approx(models[1].head.slope, abs=1e-6)


def test_the_line_is_the_ridge_that_is_known() -> None:
    design, _, whole = workers_of("number")
    view, total = design.view(), plain([whole])
    standards, _, _ = standards_of(total, design, view)
    line = line_of(total, design, view, standards)
    data = pooled([parts_of(rows_of(site)) for site in SITES])["train"]
    features = standards.apply(view.of_data(data)[0], imputes=False)
    labels = (data.labels() - standards.label[0]) / standards.label[1]
    known = [
        fit_ridge(features, labels[:, None], [], (strength,)).weights[:, 0]
        for strength in (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0)
    ]
    assert min(np.abs(line.flat[:3] - weights).max() for weights in known) < 1e-12


@pytest.mark.parametrize("kind", ["two", "many"])
def test_newton_finds_what_scikit_learn_finds(kind: str) -> None:
    from sklearn.linear_model import LogisticRegression

    design, apart, _ = workers_of(kind)
    view, total = design.view(), plain(apart)
    standards, _, _ = standards_of(total, design, view)
    line = line_of(total, design, view, standards)
    data = pooled([parts_of(rows_of(site, kind=kind)) for site in SITES])["train"]
    features = standards.apply(view.of_data(data)[0], imputes=True)
    said = raw_of(line.shape, line.flat, features)
    gaps = []
    for strength in (0.01, 0.1, 1.0, 10.0, 100.0):
        fitted = LogisticRegression(C=1 / strength, max_iter=5000, tol=1e-10).fit(
            features, data.labels()
        )
        theirs = fitted.decision_function(features).reshape(len(features), -1)
        centered = [
            one - one.mean(axis=1, keepdims=True) if kind == "many" else one
            for one in (said, theirs)
        ]
        gaps.append(np.abs(centered[0] - centered[1]).max())
    assert min(gaps) < 1e-3


@pytest.mark.parametrize("kind", ["number", "two", "many"])
def test_figures_from_sums_are_the_figures_of_all_rows(kind: str) -> None:
    design, apart, _ = workers_of(kind)
    view, total = design.view(), plain(apart)
    standards, _, _ = standards_of(total, design, view)
    model = limited(total, design, line_of(total, design, view, standards))
    told = scores_of(design, sum(worker.figures(model, "test") for worker in apart))
    data = pooled([parts_of(rows_of(site, kind=kind)) for site in SITES])["test"]
    said = model.predict(data.values[:, None, :])
    if kind == "number":
        wanted = examine_number(data.labels(), said)
    else:
        seen = Windows(data.values[:, None, :], np.arange(data.rows))
        wanted = dict(examine_quality(model, SharedLine(Task.QUALITY), data, seen, said))
        if kind == "many":
            sets = said.classes >= model.head.limits
            wanted["covered"] = sets[np.arange(data.rows), data.labels().astype(int)].mean()
            wanted["set_size"] = sets.sum(axis=1).mean()
    assert set(told) >= {"rmse", "mae", "r2"} or set(told) >= {"accuracy", "ece", "covered"}
    for name, value in ((name, wanted[name]) for name in told):
        assert told[name] == pytest.approx(
            value, abs=0.01 if name in ("ece", "ap", "auc") else 1e-9
        )


@pytest.mark.parametrize("kind", ["number", "two", "many"])
def test_the_slope_is_that_of_the_loss(kind: str) -> None:
    random = np.random.default_rng(0)
    outputs = 3 if kind == "many" else 1
    shape = Shape(4, 3, outputs)
    flat, features = random.normal(0, 1, shape.size), random.normal(0, 1, (30, 4))
    labels = random.integers(0, max(outputs, 2), 30).astype(float)
    slope = slope_of(shape, flat, features, labels, kind)
    for place in range(shape.size):
        step = np.zeros(shape.size)
        step[place] = 1e-6
        up, down = (
            losses_of(raw_of(shape, at, features), labels, kind).mean()
            for at in (flat + step, flat - step)
        )
        assert slope[place] == pytest.approx((up - down) / 2e-6, abs=1e-6)


def bent_sites() -> tuple[Design, list[Worker]]:
    """A process that bends: each site sees one stretch of it, and takes it for another line."""
    tuning = Tuning(hidden=8, rounds=25, rate=0.02, epochs=2)
    workers = []
    design = replace(plan_for().design(), columns=(Column("u"),), tuning=tuning)
    for place, site in enumerate(SITES):
        random = np.random.default_rng(place)
        inputs = random.uniform(place - 2.5, place - 1.5, (300, 1))
        labels = inputs[:, 0] ** 2 + random.normal(0, 0.1, 300)
        base = rows_of(site, rows=300)
        data = replace(base, columns=design.columns, values=inputs, target=Target("lab", labels))
        order = random.permutation(300)
        parts = {"train": data.take(np.sort(order[:200])), "held": data.take(np.sort(order[200:]))}
        workers.append(Worker(design, parts, site))
    return design, workers


def trained(design: Design, total: Total) -> tuple[list[Round], float]:
    view = design.view()
    standards, rows, _ = standards_of(total, design, view)
    line = line_of(total, design, view, standards)
    heard: list[Round] = []
    network_of(total, design, line, float(rows[0]), heard.append)
    question = Message(
        {"kind": "losses", "ring": "wide", "part": "held", "hidden": 0},
        {**standards.arrays(), "flats": line.flat[None]},
    )
    held, loss = total(question)
    return heard, loss / held


def test_sites_that_see_different_stretches_agree_on_one_curve() -> None:
    design, workers = bent_sites()
    heard, line = trained(design, plain(workers))
    assert min(one.loss for one in heard) < 0.25 * line
    again, _ = trained(design, plain(workers))
    assert [one.loss for one in heard] == [one.loss for one in again]


def poisoned(workers: list[Worker], change) -> Total:
    honest = plain(workers)

    def total(question: Message) -> np.ndarray:
        told = honest(question)
        return change(told) if question.text("kind") == "train" else told

    return total


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: told * [1, *[1e4] * (len(told) - 1)], "each had 5 at most"),
        (lambda told: told + 40, "weights add up to 41, and not to 1 at most"),
        (lambda told: told * 0, "weights add up to 0, and not to 1 at most"),
    ],
    ids=["too long", "too heavy", "nothing"],
)
def test_a_mean_that_no_honest_sites_have_is_refused(change, why: str) -> None:
    design, workers = bent_sites()
    with pytest.raises(LearnError, match="5 rounds in a row were refused") as refused:
        trained(design, poisoned(workers, change))
    assert why in str(refused.value)


def test_rounds_that_make_held_out_rows_worse_are_not_taken_in() -> None:
    design, workers = bent_sites()

    def uphill(told: np.ndarray) -> np.ndarray:
        return np.append(told[0], -4 * np.sign(told[1:]) / len(told) ** 0.5)

    heard, line = trained(design, poisoned(workers, uphill))
    rounds = [one for one in heard if one.number]
    assert len(rounds) == 5
    assert all("the held-out loss would rise" in one.refused for one in rounds)
    assert min(one.loss for one in rounds) > line


@pytest.mark.parametrize(
    "recipe",
    [
        SharedLine(Task.QUALITY),
        SharedLine(Task.SOFT_SENSOR, 3),
        SharedLine(Task.LIFE, 12),
        SharedNetwork(Task.QUALITY, 1, Tuning(rounds=3)),
        SharedNetwork(Task.SOFT_SENSOR, 3, Tuning(rounds=3)),
        SharedNetwork(Task.LIFE, 12, Tuning(rounds=3)),
    ],
    ids=lambda recipe: f"{recipe.name} {recipe.task}",
)
def test_recipes_keep_their_promises(recipe) -> None:
    assert [str(one) for one in check_recipe(recipe)] == []


# -- what a site looks at before it joins -------------------------------------------------------


def test_other_columns_units_texts_and_targets_are_refused() -> None:
    plan, data = plan_for(), rows_of("east")
    with pytest.raises(LearnError, match="has no column 'speed'"):
        ready(plan, data.without(["speed"]), "east")
    fahrenheit = replace(data, columns=(Column("temperature", "[degF]"), *data.columns[1:]))
    with pytest.raises(LearnError, match=r"'temperature' is in '\[degF\]' here and in 'Cel'"):
        ready(plan, fahrenheit, "east")
    with pytest.raises(LearnError, match="the plan's target is 'lab', and not 'other'"):
        ready(plan, data.with_target(replace(data.target, name="other")), "east")
    with pytest.raises(LearnError, match="target 'lab' is in 'g' here"):
        ready(plan, data.with_target(replace(data.target, unit="g")), "east")
    texts = replace(data, columns=(*data.columns[:2], Column("speed", "/min", levels=("a", "b"))))
    with pytest.raises(LearnError, match="'speed' holds texts here, and the plan has numbers"):
        ready(plan, texts, "east")
    classes = rows_of("east", kind="two")
    other = plan_for("two", target={"name": "lab", "classes": ["good", "poor"]})
    with pytest.raises(LearnError, match="holds 'bad', and the plan knows good, poor"):
        ready(other, classes, "east")


def test_columns_and_classes_in_another_order_are_put_in_the_plans() -> None:
    data = rows_of("east", kind="two")
    flipped = Target("lab", 1 - data.labels(), classes=("bad", "good"))
    other = data.select(["speed", "temperature", "pressure"]).with_target(flipped)
    plan = plan_for("two")
    assert np.array_equal(plan.fitted(other).values, plan.fitted(data).values)
    assert np.array_equal(plan.fitted(other).labels(), data.labels())


def test_too_few_rows_leaks_and_dead_columns_keep_a_site_out() -> None:
    plan, data = plan_for(fewest_rows=100), rows_of("east")
    with pytest.raises(LearnError, match="of fewer rows a sum tells too much"):
        ready(plan, data, "east", fewest=200)
    with pytest.raises(LearnError, match="has 60 rows, and it takes at least 100"):
        ready(plan, data.take(np.arange(60)), "east")
    values = data.values.copy()
    values[:, 2] = 900.0
    dead = replace(data, values=values)
    with pytest.raises(LearnError, match="'speed' never changes"):
        ready(plan, dead, "east")
    assert ready(plan, dead, "east", vouched=("speed",)).rows("train") == 130
    values = data.values.copy()
    values[:, 2] = data.labels() * 2 + 900
    with pytest.raises(LearnError, match="leakage in 'east'"):
        ready(plan, replace(data, values=values), "east")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sites": ["a", "b"]}, "sites"),
        ({"sites": ["a", "b", "b"]}, "name each site once"),
        ({"fewest_sites": 2}, "fewest_sites"),
        ({"sites": ["a", "b", "C c"]}, "sites.2"),
        ({"task": "life"}, "life takes bounds"),
        ({"task": "life", "bounds": [0, 125]}, "split: unit"),
        ({"task": "quality"}, "quality takes a target with classes"),
        ({"rounds": 3}, "rounds"),
        ({"columns": [{"name": "lab"}]}, "a column stands twice, or is the target too"),
        ({"format": 2}, "format"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_where(more: dict, said: str) -> None:
    told = plan_for().as_json() | more
    with pytest.raises(LearnError, match=said):
        plan_of(told, "plan.yaml")


def test_a_plan_is_named_by_all_of_it() -> None:
    plan = plan_for()
    assert plan_of(plan.as_json(), "").digest() == plan.digest()
    others = [plan_for(seed=1), plan_for(sites=SITES[:4]), plan_for(fewest_rows=101)]
    assert len({plan.digest(), *(other.digest() for other in others)}) == 4


def test_a_site_answers_only_what_is_on_the_list() -> None:
    worker = ready(plan_for(), rows_of("east"), "east")
    for kind in ("rows", "answer", "__class__", "alone", "figure"):
        assert kind not in KINDS
        with pytest.raises(LearnError, match=f"no question of the kind '{kind}'"):
            worker.answer(Message({"kind": kind, "ring": "wide"}))
    with pytest.raises(LearnError, match="does not fit this plan"):
        worker.answer(Message({"kind": "gram", "ring": "wide"}, {"mean": np.zeros(2)}))


def test_a_target_that_a_task_cannot_say_is_refused() -> None:
    data = sample_for(Task.QUALITY)
    with pytest.raises(LearnError, match="cannot be said by softsensor"):
        Design.of(data, Task.SOFT_SENSOR, 1, Tuning(), 0)
    design = Design.of(data, Task.QUALITY, 1, Tuning(), 0)
    model = SharedLine(Task.QUALITY).fit(data, data, 0)
    said = model.predict(data.values[:, None, :])
    assert len(figures_of(design, model, said, data.labels())) == 2007


def test_a_site_keeps_the_candidate_with_its_own_signals() -> None:
    import json

    from genba.learn.federated.message import Message as Files
    from genba.learn.federated.receiving import at_home, checked_files
    from genba.learn.federated.study import candidate_of, study
    from genba.learn.registry.store import CARD, digest_of_files

    plan = plan_for(recipes=["line"])
    workers = [ready(plan, rows_of(name), name) for name in SITES]
    for worker in workers:
        worker._alone = lambda recipe: SharedLine(Task.SOFT_SENSOR).fit(
            plan.fitted(rows_of("east")), plan.fitted(rows_of("mid")), 0
        )
    total = plain(workers)
    candidate = candidate_of(total, plan, study(total, plan), {}, {}, 0)
    arrays = {name: np.frombuffer(told, np.uint8) for name, told in candidate.files.items()}
    files, _ = checked_files(plan, Files({}, arrays))
    assert at_home(files, rows_of("east"), "") == files
    signals = tuple(replace(c, signal=f"still-1.{c.name}") for c in rows_of("east").columns)
    data = replace(rows_of("east"), columns=signals[::-1], values=rows_of("east").values[:, ::-1])
    home = json.loads(at_home(files, data, "still-1")[CARD])
    assert [column["signal"] for column in home["columns"]] == [
        *("still-1.temperature", "still-1.pressure", "still-1.speed"),
    ]
    assert (home["equipment"], home["step_s"]) == ("still-1", 60.0)
    assert home["lineage"]["hub"] == digest_of_files(files)
