"""The leakage check finds the traps of public data sets, and lets honest data pass."""

from dataclasses import replace

import numpy as np
import pytest
from tests.learn.made import (
    column_still,
    mill_experiments,
    milling_failures,
    molding,
    steel_works,
)

from genba.errors import LearnError
from genba.learn import (
    Dataset,
    LeakKind,
    Lineage,
    Split,
    Target,
    Task,
    by_blocks,
    by_group,
    by_rows,
    by_time,
    from_table,
    leaks,
    refuse_leaks,
    sample_for,
)
from genba.learn.data.column import Column


def kinds(data: Dataset, split: Split | None = None, **how: object) -> set[LeakKind]:
    return {leak.kind for leak in leaks(data, split, **how)}  # type: ignore[arg-type]


def test_what_is_computed_from_the_target_is_found_alone_and_in_pairs() -> None:
    data = from_table(steel_works(), target="usage_kwh")
    found = leaks(data)
    assert [leak.kind for leak in found] == [LeakKind.DERIVED, LeakKind.DERIVED]
    assert [leak.about for leak in found] == [("co2",), ("reactive_kvarh", "power_factor")]
    assert "gives away 'usage_kwh'" in found[0].reason
    assert "--without" in found[0].mend


def test_without_them_the_works_pass() -> None:
    data = from_table(steel_works(), target="usage_kwh", without=("co2", "reactive_kvarh"))
    assert leaks(data, by_time(data)) == ()


def test_flags_that_are_raised_with_the_failure_are_found() -> None:
    data = from_table(milling_failures(), target="failure", classes=("good", "failure"))
    found = {leak.about[0]: leak for leak in leaks(data)}
    assert set(found) == {"TWF", "OSF"}
    assert "all of them are 'failure'" in found["OSF"].reason
    clean = data.without(["TWF", "OSF"])
    assert leaks(clean, by_time(clean)) == ()


def test_rows_at_random_are_refused_where_neighbors_are_alike() -> None:
    data = from_table(column_still(), target="butane")
    with pytest.raises(LearnError, match="stand right beside a row that was learned from") as told:
        refuse_leaks(data, by_rows(data))
    assert "part by time" in str(told.value)
    assert leaks(data, by_time(data)) == ()
    assert leaks(data, by_blocks(data)) == ()


def test_rows_at_random_pass_where_they_have_nothing_to_do_with_each_other() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(800, 3))
    target = Target("y", values @ [1.0, 2.0, 0.0] + random.normal(size=800))
    columns = tuple(Column(name) for name in "abc")
    data = Dataset("shots", columns, values, np.arange(800), Lineage("made"), target=target)
    assert leaks(data, by_rows(data)) == ()


def test_an_answer_that_comes_in_stretches_makes_rows_at_random_a_leak() -> None:
    data = from_table(molding(), target="quality")
    assert kinds(data, by_rows(data)) == {LeakKind.SHUFFLED}
    assert kinds(data, by_time(data)) == set()


def test_experiments_with_one_answer_must_not_be_divided() -> None:
    data = from_table(
        mill_experiments(),
        target="worn",
        classes=("unworn", "worn"),
        groups={"experiment": "experiment"},
    )
    assert LeakKind.DIVIDED in kinds(data, by_rows(data))
    assert kinds(data, by_group(data, "experiment", seed=0)) == set()
    assert LeakKind.DIVIDED not in kinds(data, by_rows(data), vouched=["experiment"])


def test_copies_of_test_rows_are_found() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 2))
    twice = np.concatenate([values, values])
    target = Target("y", twice[:, 0] + np.tile(random.normal(size=300), 2))
    columns = (Column("a"), Column("b"))
    data = Dataset("twice", columns, twice, np.arange(600), Lineage("made"), target=target)
    assert kinds(data, by_time(data)) == {LeakKind.DUPLICATE}
    assert kinds(data, by_time(data), vouched=["duplicates"]) == set()


def test_coarse_columns_that_agree_by_chance_are_no_copies() -> None:
    random = np.random.default_rng(0)
    values = random.integers(0, 3, size=(900, 2)).astype(float)
    target = Target("y", values[:, 0] + np.round(random.normal(size=900), 3))
    columns = (Column("shift"), Column("line"))
    data = Dataset("coarse", columns, values, np.arange(900), Lineage("made"), target=target)
    assert kinds(data, by_time(data)) == set()


def test_a_column_that_is_known_later_is_never_taken() -> None:
    data = from_table(column_still(), target="butane", after=("u3",))
    (found,) = leaks(data)
    assert (found.kind, found.about) == (LeakKind.AFTER, ("u3",))


def test_what_is_known_before_may_tell_all() -> None:
    data = from_table(
        steel_works(), target="usage_kwh", before=("co2",), without=("reactive_kvarh",)
    )
    assert leaks(data) == ()


def test_labels_that_came_after_the_test_began_are_found() -> None:
    data = from_table(column_still(), target="butane")
    assert data.target is not None
    late = Target("butane", data.target.values, known=data.time + 500)
    waiting = data.with_target(late)
    assert kinds(waiting, by_time(waiting)) == {LeakKind.FUTURE}
    at_once = data.with_target(Target("butane", data.target.values, known=data.time))
    assert kinds(at_once, by_time(at_once)) == set()


def test_a_machine_that_stands_still_may_repeat_itself_where_nothing_is_foretold() -> None:
    data = sample_for(Task.ANOMALY, 0, 400)
    values = data.values.copy()
    values[::2] = values[0]
    still = replace(data, values=values)
    assert leaks(still, by_time(still)) == ()
