"""The tester: truth and verdict are two things, and time buys certainty."""

from tests.testbed.unit.bench import Bench

from genba.testbed.unit.process import Part

GOOD = {"mill_error_um": 2.0, "grind_error_um": 0.5, "assemble_misalignment_um": 12.0}
POOR = {"mill_error_um": 15.0, "grind_error_um": 5.0, "assemble_misalignment_um": 70.0}


def test_clear_cases_are_judged_right() -> None:
    bench = Bench("eol")
    good = bench.run(60, lambda: bench.part(**GOOD)).made
    poor = bench.run(60, lambda: bench.part(**POOR)).made
    assert all(made.conforming and made.passed for made in good)
    assert not any(made.conforming or made.passed for made in poor)
    assert all("high_backlash_arcmin" in made.part.defects for made in poor)


def border(test_s: float) -> tuple[int, int]:
    """Parts near the limit: good ones rejected, bad ones passed."""
    bench = Bench("eol").write(test_time=test_s)
    made = bench.run(500, lambda: bench.part(assemble_preload_lack=0.265)).made
    rejected = sum(m.conforming and not m.passed for m in made)
    escaped = sum(not m.conforming and bool(m.passed) for m in made)
    return rejected, escaped


def test_near_the_limit_it_errs_both_ways_and_longer_tests_err_less() -> None:
    short, long = border(5.0), border(110.0)
    assert min(short) > 0
    assert sum(long) < 0.7 * sum(short)


def test_a_fault_that_the_bench_cannot_feel_passes() -> None:
    bench = Bench("eol")

    def scratched() -> Part:
        part = bench.part(**GOOD)
        part.defects.append("flash")
        return part

    made = bench.run(20, scratched).made
    assert all(m.passed and not m.conforming for m in made)


def test_too_little_torque_hides_backlash_and_too_much_breaks_the_part() -> None:
    def shown(torque_nm: float) -> float:
        bench = Bench("eol").write(test_torque=torque_nm)
        made = bench.run(30, lambda: bench.part(**GOOD)).made
        return sum(m.measurements["backlash_arcmin"] for m in made) / 30

    assert shown(8.0) < 0.75 * shown(16.0)
    bench = Bench("eol").write(test_torque=40.0)
    assert bench.run(5, lambda: bench.part(**GOOD)).count("overloaded") == 5


def test_the_same_part_stays_the_same_in_a_second_test() -> None:
    bench = Bench("eol")
    part = bench.part(**GOOD)
    first = bench.run(1, lambda: part).made[0].part.features["test_noise_db"]
    assert bench.run(1, lambda: part).made[0].part.features["test_noise_db"] == first
