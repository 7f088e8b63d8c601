"""False alarms: episodes of the historian, judged by people and by what followed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.learn.press import START, plant_in

from genba.historian import Historian
from genba.learn.watch.alarms import Episode, Judged, episodes_in, false_alarms_of
from genba.plant import US, PackMLState, Plant, Sample, VirtualClock

HOUR = 3600 * US
DAY = 24 * HOUR
END = START + 15 * DAY
ADDRESS = "ab" * 32


class Works:
    """A press whose model raised findings; the historian is open to write."""

    def __init__(self, folder: Path) -> None:
        self.plant: Plant = plant_in(folder)
        self.historian = Historian.open(folder / "historian", VirtualClock(END))
        self._rows = 0

    def found(self, begin: int, end: int | None, address: str = ADDRESS) -> None:
        """Record a finding of the model from one moment to another."""
        for time, what in ((begin, "raised"), (begin + 1, "stands"), (end, "cleared")):
            if time is not None:
                told = {"model": "press-1.anomaly", "address": address, "what": what}
                signal = "press-1.model_findings"
                self.historian.append([Sample(signal, time, time, json.dumps(told))])

    def alarm(self, time: int, event: str, comment: str = "", alarm: str = "") -> None:
        """Record a line of the journal of alarms."""
        self._rows += 1
        kind = "level" if alarm else "model_anomaly"
        row = {"id": f"A-{self._rows}", "time": time, "event": event, "comment": comment}
        row |= {"alarm": alarm or "press-1.anomaly:model_anomaly", "kind": kind, "actor": "ada"}
        self.historian.append_rows("alarms", [{**row, "equipment": "press-1"}])

    def finding(self, time: int, severity: str, address: str = ADDRESS) -> None:
        """Record a finding as a core does that keeps no signal of findings."""
        self._rows += 1
        data = {"source": f"press-1.anomaly@{address[:12]}", "severity": severity}
        row = {"id": f"F-{self._rows}", "time": time, "stage": "finding", "equipment": "press-1"}
        self.historian.append_rows("decisions", [{**row, "data": json.dumps(data)}])

    def told(self, **how: object) -> list[tuple[Judged, str]]:
        alarms = false_alarms_of(
            self.historian, self.plant, "press-1", "anomaly", START, END, **how
        )
        return [(one.judged, one.why) for one in alarms.episodes]


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    made = Works(tmp_path)
    yield made
    made.historian.close()


def test_a_finding_that_nothing_follows_is_false(works: Works) -> None:
    works.found(START + DAY, START + DAY + HOUR)
    assert works.told() == [(Judged.FALSE, "nothing followed within 24 h")]


@pytest.mark.parametrize(
    ("event", "comment", "judged"),
    [
        ("acknowledge", "False alarm, sensor was cleaned", Judged.FALSE),
        ("shelve", "nuisance", Judged.FALSE),
        ("acknowledge", "confirmed: bearing", Judged.TRUE),
        ("acknowledge", "seen", Judged.FALSE),
    ],
)
def test_people_have_the_first_word(works: Works, event: str, comment: str, judged: Judged) -> None:
    works.found(START + DAY, START + DAY + HOUR)
    works.alarm(START + DAY + HOUR // 2, event, comment)
    ((found, why),) = works.told()
    assert found is judged
    assert comment == "seen" or why == f"ada: {comment}"


def test_another_alarm_of_the_machine_makes_it_true_and_one_of_a_model_does_not(
    works: Works,
) -> None:
    works.found(START + DAY, START + DAY + HOUR)
    works.alarm(START + DAY, "raise")
    assert works.told()[0][0] is Judged.FALSE
    works.alarm(START + DAY + 5 * HOUR, "raise", alarm="press-1.melt:level")
    assert works.told() == [(Judged.TRUE, "alarm press-1.melt:level")]


def test_an_abort_or_a_bad_gauged_part_makes_it_true(works: Works) -> None:
    works.found(START + DAY, START + DAY + HOUR)
    works.found(START + 4 * DAY, START + 4 * DAY + HOUR)
    time = START + DAY + 2 * HOUR
    works.historian.append([Sample("press-1.state", time, time, int(PackMLState.ABORTING))])
    time = START + 4 * DAY + 2 * HOUR
    part = json.dumps({"result": "scrap", "inspected": True})
    works.historian.append([Sample("press-1.part", time, time, part)])
    assert works.told() == [
        (Judged.TRUE, "the machine aborted"),
        (Judged.TRUE, "a gauged part was scrap"),
    ]


def test_what_is_young_or_stands_is_open_and_counts_neither_as_finding_nor_as_time(
    works: Works,
) -> None:
    works.found(END - 3 * HOUR, END - 2 * HOUR)
    works.found(END - HOUR, None)
    alarms = false_alarms_of(works.historian, works.plant, "press-1", "anomaly", START, END)
    assert (alarms.false, alarms.true, alarms.open) == (0, 0, 2)
    assert alarms.rate is not None
    assert alarms.rate.weeks == pytest.approx(2.0)


def test_two_weeks_with_nine_false_alarms_break_a_budget_of_two(works: Works) -> None:
    for number in range(9):
        begin = START + number * DAY
        works.found(begin, begin + HOUR)
    alarms = false_alarms_of(works.historian, works.plant, "press-1", "anomaly", START, END)
    assert alarms.rate is not None
    assert alarms.rate.a_week == pytest.approx(4.5)
    assert alarms.rate.exceeds(2.0)
    assert not alarms.rate.exceeds(4.0)


def test_findings_of_another_release_do_not_count(works: Works) -> None:
    works.found(START + DAY, START + DAY + HOUR, address="cd" * 32)
    assert works.told(address=ADDRESS) == []
    assert len(works.told()) == 1


def test_findings_are_read_from_the_decision_records_too(works: Works) -> None:
    works.finding(START + DAY, "warning")
    works.finding(START + DAY + HOUR, "info")
    works.finding(START + 3 * DAY, "warning", address="cd" * 32)
    assert works.told(address=ADDRESS) == [(Judged.FALSE, "nothing followed within 24 h")]
    alarms = false_alarms_of(works.historian, works.plant, "press-1", "anomaly", START, END)
    assert [one.end for one in alarms.episodes] == [START + DAY + HOUR, None]


def test_only_working_time_counts_for_a_model_that_knows_work_alone(works: Works) -> None:
    states = [(START, PackMLState.EXECUTE), (START + 7 * DAY, PackMLState.IDLE)]
    works.historian.append([Sample("press-1.state", t, t, int(s)) for t, s in states])
    alarms = false_alarms_of(
        works.historian, works.plant, "press-1", "anomaly", START, END, working=True
    )
    assert alarms.rate is not None
    assert alarms.rate.weeks == pytest.approx(1.0, rel=1e-3)


def test_no_time_is_no_rate(works: Works) -> None:
    alarms = false_alarms_of(works.historian, works.plant, "press-1", "anomaly", END - HOUR, END)
    assert alarms.rate is None


def test_episodes_go_from_raised_to_cleared() -> None:
    told = [(1, "cleared"), (2, "raised"), (3, "raised"), (5, "cleared"), (9, "raised")]
    assert episodes_in(told) == [Episode(2, 5), Episode(9, None)]
