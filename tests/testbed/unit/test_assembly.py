"""Assembly: kinematics by hand, motion that people can rely on, forces and torques that fit."""

import pytest
from tests.testbed.unit.bench import Bench

from genba.testbed.unit.process import Phase


def test_the_cycle_follows_the_trapezoid_of_speed() -> None:
    bench = Bench("cell-1")
    r = bench.job.recipe
    for speed in (0.4, 0.8, 1.2):
        move = r["move_m"] / speed + speed / 3.5
        taken = bench.write(robot_speed=speed).run(10).seconds / 10
        assert taken == pytest.approx(r["join_s"] + r["moves"] * move, abs=0.6)
    # Above sqrt(d a) = 1.57 m/s the top speed is never reached, and nothing is won.
    fast, faster = (bench.write(robot_speed=v).run(10).seconds for v in (1.7, 2.4))
    assert fast == pytest.approx(faster, abs=1.0)


def test_a_written_speed_acts_at_the_next_second_and_a_pause_stops_all_motion() -> None:
    bench = Bench("cell-1")
    bench.process.begin([bench.part()], bench.around)
    bench.rest(1, Phase.RUN)
    assert bench.process.motion_m_s == pytest.approx(0.8)
    bench.process.write("robot_speed", 0.2)
    bench.rest(1, Phase.RUN)
    assert bench.process.motion_m_s == pytest.approx(0.2)
    bench.rest(1, Phase.PAUSED)
    assert bench.process.motion_m_s == 0.0


def test_speed_costs_accuracy_and_energy() -> None:
    slow, fast = Bench("cell-1").write(robot_speed=0.5), Bench("cell-1").write(robot_speed=1.6)
    at_rest, in_haste = slow.run(60), fast.run(60)
    misalignment = "assemble_misalignment_um"
    assert in_haste.mean(misalignment) > 1.3 * at_rest.mean(misalignment)
    assert in_haste.energy_kwh / in_haste.seconds > at_rest.energy_kwh / at_rest.seconds
    assert fast.process.stress() > 3.0 * slow.process.stress()


def test_a_tight_seat_needs_more_force_than_the_press_gives() -> None:
    bench = Bench("cell-1")
    tight = bench.run(30, lambda: bench.part(grind_error_um=14.0))
    assert tight.count("unseated") > 20
    assert tight.mean("assemble_gap_um") > 8.0
    nominal = bench.run(30)
    assert nominal.count("unseated") <= 1


def test_a_loose_screw_can_be_tightened_again_and_a_stripped_one_cannot() -> None:
    bench = Bench("cell-1").write(screw_torque=1.0)
    weak = bench.run(20).made
    assert all(made.reworkable for made in weak if made.part.defects == ["loose_screw"])
    assert sum("loose_screw" in made.part.defects for made in weak) > 15
    again = bench.write(screw_torque=1.38)
    parts = iter([made.part for made in weak])
    mended = again.run(20, lambda: next(parts))
    assert mended.count("loose_screw") <= 2
    stripped = bench.write(screw_torque=3.0).run(5).made
    assert all(made.detected and not made.reworkable for made in stripped)


def test_alignment_drifts_where_nobody_sees_it_and_service_brings_it_back() -> None:
    bench = Bench("cell-1")
    before = bench.process.truth()["alignment_um"]
    bench.run(400)
    after = bench.process.truth()["alignment_um"]
    assert after != before
    bench.process.maintain("service")
    assert abs(bench.process.truth()["alignment_um"]) < max(0.2 * abs(after), 1e-9)
