"""Recordings of parts are examined: a healthy one passes, what is spoilt is refused by name."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.control.press import PLANT, START, Press, plant_in, record

from genba.control.bound import Bound, bound
from genba.control.examined import sources_of
from genba.control.examined_runs import examined_runs, learned_soundly_by_run, seen_after_runs
from genba.control.runs import Run, RunRows, episodes_by_program
from genba.control.runs_learned import learned_by_product
from genba.errors import ControlError
from genba.plant import Plant
from genba.twin.process.findings import Told, against, spoilt


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return plant_in(tmp_path_factory.mktemp("works"))


@pytest.fixture(scope="module")
def joined(plant: Plant) -> Bound:
    return bound(plant, "molding")


@pytest.fixture(scope="module")
def runs(plant: Plant, joined: Bound) -> Sequence[Run]:
    rows = RunRows(plant, joined)
    samples = Press(every=1).shift(jobs=4, parts=45)
    return [run for run in map(rows.take, samples) if run is not None]


def altered(
    runs: Sequence[Run], of: str, place: int, by: Callable[[float, int], float]
) -> list[Run]:
    told = []
    for number, run in enumerate(runs):
        values = getattr(run, of).copy()
        values[place] = by(values[place], number)
        told.append(replace(run, **{of: values}))
    return told


def test_a_healthy_recording_passes(joined: Bound, runs: Sequence[Run]) -> None:
    assert spoilt(examined_runs(joined, runs)) == []


def test_a_sensor_that_froze_is_named_though_parts_are_measured_by_sample(
    joined: Bound, runs: Sequence[Run]
) -> None:
    weight = [v.variable.name for v in joined.outputs].index("weight")
    stood = runs[40].shown[weight]
    froze = altered(
        runs, "shown", weight,
        lambda v, n: np.nan if n % 2 else stood if 40 <= n < 120 else v,
    )  # fmt: skip
    (found,) = spoilt(examined_runs(joined, froze))
    assert found.rule == "frozen"
    assert "'weight' (press.part#weight_g) stood at exactly" in found.text
    assert "40 parts" in found.text


def test_a_unit_that_is_another_is_named(joined: Bound, runs: Sequence[Run]) -> None:
    celsius = altered(runs, "context", 1, lambda v, _: v - 273.15)  # the plant file says kelvin
    (found,) = [one for one in spoilt(examined_runs(joined, celsius)) if one.rule == "unit"]
    assert found.about == ("melt",)
    assert "read as K, it looks like Cel" in found.text


def test_a_sign_that_is_wrong_is_named(joined: Bound, runs: Sequence[Run]) -> None:
    cavity = [v.variable.name for v in joined.outputs].index("cavity")
    negative = altered(runs, "shown", cavity, lambda v, _: -v)
    assert "sign" in {one.rule for one in spoilt(examined_runs(joined, negative))}


def test_a_size_of_the_wrong_sign_is_named_by_what_set_points_do_to_it_over_all_products(
    joined: Bound, runs: Sequence[Run]
) -> None:
    size = [v.variable.name for v in joined.outputs].index("size")
    programs = [
        Told(joined.symbolic, episodes, sources_of(joined))
        for *_, episodes in episodes_by_program(
            altered(runs, "shown", size, lambda v, n: -v if n % 3 else np.nan),
            joined.bounds()[1] - joined.bounds()[0],
        )
    ]
    (found,) = against(programs)
    assert (found.rule, found.about) == ("sign", ("size",))
    assert "goes against what set-points do to it" in found.text
    # A handful of parts tell of no sign, and nothing is said then.
    few = [replace(one, episodes=[e.cut(0, 5) for e in one.episodes]) for one in programs]
    assert against(few) == []


def test_a_sound_recording_goes_along_with_its_physics(joined: Bound, runs: Sequence[Run]) -> None:
    span = joined.bounds()[1] - joined.bounds()[0]
    assert not against(
        [Told(joined.symbolic, episodes) for *_, episodes in episodes_by_program(runs, span)]
    )


def test_a_range_of_the_plant_file_that_lies_is_named(tmp_path: Path) -> None:
    text = PLANT.replace("range: {low: 200, high: 800}", "range: {low: 200, high: 440}").replace(
        "hold: {low: 350, high: 550, step: 10}", "hold: {low: 350, high: 440, step: 10}"
    )
    plant = plant_in(tmp_path, text)
    press = Press()
    with (
        record(tmp_path / "recorded", press, jobs=2, parts=45) as historian,
        pytest.raises(ControlError, match=r"'hold' \(press.hold\) was .* outside of its range"),
    ):
        learned_soundly_by_run(historian, plant, bound(plant, "molding"), (START, press.now))


def test_a_set_point_that_nobody_moved_comes_with_the_experiment_that_would_tell(
    joined: Bound, runs: Sequence[Run]
) -> None:
    beliefs, _ = learned_by_product(joined, runs)
    found = [one for one in seen_after_runs(joined, beliefs) if one.rule == "unmoved"]
    (cooling,) = found
    assert cooling.about == ("cooling",)
    assert "nobody moved 'cooling' while making cup, lid" in cooling.text
    assert "moving it by up to 0.5 s around each recipe" in cooling.mend
    assert (
        "`genba control experiment molding --steps 40`, once the plant file says 'control"
        in cooling.mend
    )
    process = joined.process.model_copy(update={"control": True})
    (cooling,) = seen_after_runs(replace(joined, process=process), beliefs)
    assert cooling.mend.endswith("--steps 40`")


def test_two_sensors_that_are_exchanged_are_named_by_where_they_lie(
    joined: Bound, runs: Sequence[Run]
) -> None:
    warmer = altered(runs, "context", 0, lambda v, n: v + 0.1 * (n % 7))
    swapped = [replace(run, context=run.context[::-1].copy()) for run in warmer]
    (found,) = [one for one in spoilt(examined_runs(joined, swapped)) if one.rule == "swapped"]
    assert set(found.about) == {"mold", "melt"}


def test_two_sensors_that_are_exchanged_are_named_though_they_never_change(
    joined: Bound, runs: Sequence[Run]
) -> None:
    assert all(np.array_equal(run.context, runs[0].context) for run in runs)
    swapped = [replace(run, context=run.context[::-1].copy()) for run in runs]
    found = {one.rule: one.about for one in spoilt(examined_runs(joined, swapped))}
    assert set(found.pop("swapped")) == {"mold", "melt"}
    assert set(found) == {"outside"}
