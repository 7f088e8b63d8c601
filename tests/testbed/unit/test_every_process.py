"""What holds for every unit process: finite, repeatable, as the plant file says, discreet."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.testbed.unit.bench import CASES, Bench, planned_cycle, reference, snapshot

from genba.plant import SignalKind
from genba.testbed.unit import RECIPES, check_recipe
from genba.testbed.unit.process import Phase

every_machine = pytest.mark.parametrize("machine", CASES)


@every_machine
def test_same_seed_gives_the_same_parts_and_another_seed_others(machine: str) -> None:
    once, again, other = (snapshot(Bench(machine, seed=s).run(3)) for s in (1, 1, 2))
    assert once == again
    assert once != other


@every_machine
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_setpoints_inside_the_guards_range_give_finite_values(
    machine: str, data: st.DataObject
) -> None:
    plant, _ = reference()
    bench = Bench(machine)
    for name in bench.process.setpoints:
        limits = plant.signals[f"{machine}.{name}"].range
        assert limits is not None
        bench.process.write(name, data.draw(st.floats(limits.low, limits.high), label=name))
    if machine == "press-1":  # the press waits until it is warm
        bench.rest(1800)
    run = bench.run(1, longest_s=60_000)
    for made in run.made:
        for values in (made.part.features, made.measurements, made.trace):
            assert all(math.isfinite(value) for value in values.values())
    assert all(math.isfinite(value) for value in bench.process.readings().values())
    assert all(math.isfinite(value) for value in bench.process.truth().values())
    assert 0.0 <= bench.process.power_kw < 120.0
    assert 0.0 < bench.process.stress() < 50.0
    assert run.energy_kwh > 0.0


@every_machine
def test_setpoints_far_outside_the_envelope_do_no_harm_to_the_arithmetic(machine: str) -> None:
    for extreme in (-1e6, 0.0, 1e6):
        bench = Bench(machine)
        for name in bench.process.setpoints:
            bench.process.write(name, extreme)
        bench.process.begin([bench.part()], bench.around)
        bench.rest(300, Phase.RUN)
        assert math.isfinite(bench.process.power_kw)
        assert all(math.isfinite(v) for v in bench.process.readings().values())


@every_machine
def test_every_signal_of_the_plant_file_is_served_and_no_hidden_state_is(machine: str) -> None:
    plant, _ = reference()
    bench = Bench(machine)
    readings = bench.process.readings()
    signals = [s for s in plant.signals.values() if s.equipment == machine and s.role is None]
    shown = {s.id.split(".")[1] for s in signals if s.kind is not SignalKind.SETPOINT}
    taken = {s.id.split(".")[1] for s in signals if s.kind is SignalKind.SETPOINT}
    assert shown - {"power"} == set(readings)
    assert taken - {"inspect_every"} == set(bench.process.setpoints)
    hidden = bench.process.truth()
    assert hidden
    # A secret that equals a reading to the last digit would be no secret.
    assert not set(hidden.values()) & {float(v) for v in readings.values()} - {0.0, 1.0}


@every_machine
def test_the_guards_range_lies_inside_the_machines_hard_envelope(machine: str) -> None:
    plant, _ = reference()
    for name, setpoint in Bench(machine).process.setpoints.items():
        limits = plant.signals[f"{machine}.{name}"].range
        assert limits is not None
        assert setpoint.low <= limits.low < limits.high <= setpoint.high
        assert limits.low <= setpoint.initial <= limits.high


def test_every_operation_has_a_recipe_that_its_machines_can_run_in_about_the_planned_time() -> None:
    plant, physics = reference()
    for product in plant.products:
        for step in product.routing:
            key = f"{product.id}/{step.id}"
            for alternative in step.alternatives:
                machine = alternative.equipment
                check_recipe(physics.machines[machine].process.kind, physics.recipes[key])
                bench = Bench(machine, key).rest(900 if "press" in machine else 1)
                for name, value in bench.process.recipe_setpoints(bench.job).items():
                    limits = plant.signals[f"{machine}.{name}"].range
                    assert limits is not None
                    assert limits.low <= value <= limits.high, (key, name)
                    assert bench.process.setpoints[name].low <= value
                count, batch = 2, 2 * product.lot_size if step.batch_parts else 1
                usual = {"harden_distortion_um": 18.0}  # part of what a grinder takes off
                run = bench.run(count, lambda: bench.part(**usual), batch)  # noqa: B023
                taken = run.seconds / count
                assert taken == pytest.approx(planned_cycle(machine, key), rel=0.06), key


@every_machine
def test_a_recipe_that_makes_no_sense_is_refused_before_anything_runs(machine: str) -> None:
    _, physics = reference()
    kind, recipe = physics.machines[machine].process.kind, physics.recipes[CASES[machine]]
    needed = next(name for name, f in RECIPES[kind].model_fields.items() if f.is_required())
    wrong = [
        {**recipe, needed: -1.0},
        {**recipe, needed: math.nan},
        {**recipe, "wal_mm": 2.0},
        {name: value for name, value in recipe.items() if name != needed},
    ]
    for nonsense in wrong:
        with pytest.raises(ValidationError):
            check_recipe(kind, nonsense)


@every_machine
def test_a_paused_machine_stands_still_and_an_idle_one_draws_less(machine: str) -> None:
    bench = Bench(machine).rest(900)
    bench.process.begin([bench.part()], bench.around)
    bench.rest(5, Phase.RUN)
    running_kw = bench.process.power_kw
    bench.rest(20_000, Phase.PAUSED)
    assert not bench.process.done
    assert bench.process.motion_m_s == 0.0
    bench.rest(1, Phase.OFF)
    if machine != "furnace":  # a furnace is kept hot day and night
        assert bench.process.power_kw < 0.35 < running_kw


@every_machine
def test_a_lost_cycle_leaves_the_machine_ready_for_the_next(machine: str) -> None:
    bench = Bench(machine).rest(900)
    parts = [bench.part()]
    bench.process.begin(parts, bench.around)
    bench.rest(3, Phase.RUN)
    assert all(part in parts for part in bench.process.abort())
    assert not bench.process.done
    bench.process.maintain("repair")
    assert len(bench.run(1).made) == 1


@pytest.mark.parametrize(
    ("machine", "name", "low", "high"),
    [
        ("press-1", "cooling_time", 6.0, None),
        ("press-1", "hold_pressure", 380.0, 530.0),
        ("press-1", "melt_temperature", 220.0, 292.0),
        ("mill-1", "feed_rate", None, 1700.0),
        ("grinder", "spark_out", 1.0, None),
        ("grinder", "infeed_rate", None, 24.0),
        ("grinder", "wheel_speed", 18.0, 46.0),
        ("furnace", "temperature_setpoint", 895.0, 945.0),
        ("furnace", "soak_time", 15.0, 50.0),
        ("furnace", "carbon_potential_setpoint", 0.65, 1.1),
        ("cell-1", "robot_speed", None, 1.9),
        ("cell-1", "press_force", 5.5, 10.5),
        ("cell-1", "screw_torque", 1.05, 1.9),
        ("pack", "seal_temperature", 128.0, 176.0),
    ],
)
def test_quality_falls_off_on_the_sides_where_physics_says_so(
    machine: str, name: str, low: float | None, high: float | None
) -> None:
    def bad(value: float | None) -> float:
        bench = Bench(machine)
        if value is not None:
            bench.process.write(name, value)
        bench.rest(3000)
        steel = {"harden_distortion_um": 18.0, "harden_case_mm": 0.26, "mill_error_um": 2.0}
        part = lambda: bench.part(**steel) if machine == "grinder" else bench.part()  # noqa: E731
        return bench.run(
            1 if machine == "furnace" else 60, part, batch=40 if machine == "furnace" else 1
        ).bad_share

    recipe = bad(None)
    assert recipe < 0.06
    for value in (low, high):
        if value is not None:
            assert bad(value) > recipe + 0.04
