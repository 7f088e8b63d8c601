"""Tracking follows lots and jobs by what devices report, and by nothing else."""

import datetime as dt
import json
import threading
from typing import Any

import pyarrow as pa
from tests.operate.devices import IDLE
from tests.operate.shop import SHOP, START

from genba.operate.production import KEPT_S
from genba.operate.sense import LiveValues
from genba.operate.track import Tracker
from genba.plan import LotPhase
from genba.plant import US, Outcome, Plant, Proposal, Quality, Role, Sample


class Floor:
    """Feeds a tracker with samples, second by second."""

    def __init__(self, plant: Plant = SHOP) -> None:
        self.live = LiveValues()
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.failed: list[tuple[object, ...]] = []
        self.tracker = Tracker(
            plant,
            self.live,
            lambda table, row: self.rows.setdefault(table, []).append(dict(row)),
            lambda *told: self.failed.append(told),
        )
        self.now = START
        self.see(**IDLE)

    def see(self, after_s: float = 1.0, **values: object) -> None:
        self.now += round(after_s * US)
        batch = [
            Sample(name.replace("__", "."), self.now, self.now, value)
            for name, value in values.items()
        ]
        self.live.update(batch)
        self.tracker.update(batch, self.now)

    def lot(self, name: str = "O-1-01") -> Any:
        picture = self.tracker.situation(self.now, frozenset())
        return picture.lots_by_id.get(name)

    def machine(self) -> Any:
        return self.tracker.situation(self.now, frozenset()).machines_by_id["saw"]

    def run_a_job(self, lots: str, good: int, scrap: int, seconds: float = 600) -> None:
        """Let the saw take lots, set up for 100 s, cut, and put them back."""
        operation = "P/cut"
        self.see(saw__station="", saw__lots=lots, saw__job_operation=operation, saw__mode=4,
                 saw__state=6)  # fmt: skip
        self.see(100, saw__mode=1)
        counts = {"saw__good": self.live.value("saw.good") or 0}
        counts["saw__scrap"] = self.live.value("saw.scrap") or 0
        self.see(seconds, saw__good=counts["saw__good"] + good,
                 saw__scrap=counts["saw__scrap"] + scrap, saw__energy=5.0)  # fmt: skip
        self.see(1, saw__station=lots, saw__lots="", saw__state=17)
        self.see(3, saw__state=4)
        self.see()


def test_orders_are_released_into_lots_when_their_time_comes() -> None:
    floor = Floor()
    assert floor.lot("O-1-01").quantity == 15
    assert floor.lot("O-1-02").quantity == 15
    assert floor.lot("O-2-01") is None
    floor.see(7200)
    assert floor.lot("O-2-01").quantity == 8
    assert {row["status"] for row in floor.rows["lots"]} == {"released"}


def test_a_lot_is_held_until_the_scanner_of_the_store_reads_it() -> None:
    floor = Floor()
    assert not floor.lot().held
    floor.see(store__station="")
    assert floor.lot().held
    floor.see(store__station="O-1-01,O-1-02")
    assert not floor.lot().held


def test_a_job_is_booked_with_set_up_counts_and_energy() -> None:
    floor = Floor()
    floor.see(saw__good=100, saw__scrap=7, saw__energy=2.0)
    floor.see(saw__station="O-1-01")
    assert (floor.lot().place, floor.lot().phase) == ("saw", LotPhase.WAITING)
    floor.run_a_job("O-1-01", good=13, scrap=2)
    row = floor.rows["operations"][0]
    assert (row["lot"], row["operation"], row["equipment"]) == ("O-1-01", "cut", "saw")
    assert (row["quantity"], row["good"], row["scrap"]) == (15, 13, 2)
    assert row["setup_s"] == 100.0
    assert row["planned_setup_s"] == 90.0
    assert row["energy_kwh"] == 3.0
    assert (row["end"] - row["start"]) / US == 701.0
    assert (floor.lot().step, floor.lot().quantity) == (1, 13)
    assert floor.machine().family == "fa"
    assert [r["status"] for r in floor.rows["lots"] if r["lot"] == "O-1-01"] == [
        "released",
        "started",
    ]


def test_nothing_is_planned_for_a_job_that_is_not_booked_yet() -> None:
    floor = Floor()
    floor.see(saw__lots="O-1-01", saw__state=6)
    floor.see(600, saw__good=15, saw__lots="", saw__station="O-1-01", saw__state=17)
    assert floor.lot().held
    assert not floor.machine().ready
    floor.see(3, saw__state=4)
    assert not floor.lot().held
    assert floor.machine().ready


def test_scrap_of_a_batch_is_shared_out_unless_the_machine_says_which() -> None:
    floor = Floor()
    floor.see(saw__good=0, saw__scrap=0)
    floor.run_a_job("O-1-01,O-1-02", good=26, scrap=4)
    assert [row["scrap"] for row in floor.rows["operations"]] == [2, 2]
    told = Floor()
    told.see(saw__good=0, saw__scrap=0)
    told.see(saw__lots="O-1-01,O-1-02", saw__state=6)
    for _ in range(3):
        told.see(saw__part=json.dumps({"lot": "O-1-02", "result": "scrap"}))
    told.see(saw__part="no json")
    told.see(600, saw__good=27, saw__scrap=3)
    told.see(saw__lots="", saw__state=17)
    told.see()
    assert [row["scrap"] for row in told.rows["operations"]] == [0, 3]


def test_a_lot_without_good_parts_is_done() -> None:
    floor = Floor()
    floor.see(saw__good=0, saw__scrap=0)
    floor.run_a_job("O-1-01", good=0, scrap=15)
    assert floor.lot() is None
    assert floor.rows["lots"][-1]["status"] == "scrapped"


def test_a_job_that_was_broken_off_does_not_count_as_done() -> None:
    floor = Floor()
    floor.see(saw__good=0, saw__scrap=0)
    floor.see(saw__lots="O-1-01", saw__state=6)
    floor.see(100, saw__good=5, saw__scrap=1)
    floor.see(1, saw__lots="", saw__station="O-1-01", saw__state=9)
    floor.see()
    assert (floor.lot().step, floor.lot().quantity) == (0, 14)
    assert floor.rows["operations"][0]["good"] == 5


def test_a_machine_without_a_known_state_is_not_able() -> None:
    floor = Floor()
    assert floor.machine().able
    assert floor.machine().ready
    bad = Sample("saw.state", floor.now, floor.now, 4, Quality.BAD)
    floor.live.update([bad])
    floor.tracker.update([bad], floor.now)
    assert not floor.machine().able
    assert not floor.machine().ready
    assert floor.machine().down_since == floor.now


def test_the_number_of_the_next_job_is_above_all_that_were_seen() -> None:
    floor = Floor()
    floor.see(saw__job_request=3, saw__job_ack=9)
    assert floor.machine().request == 9


def test_rush_orders_come_as_json_and_nonsense_is_said() -> None:
    floor = Floor()
    order = {
        "id": "R-1", "product": "P", "quantity": 5, "release": "2026-01-05T06:00:00Z",
        "due": "2026-01-05T09:00:00Z",
    }  # fmt: skip
    floor.see(desk__order=json.dumps(order))
    assert floor.lot("R-1-01").quantity == 5
    for text in ("{", "[]", json.dumps({**order, "id": "R-2", "product": "X"}),
                 json.dumps({**order, "id": "R-3", "quantity": 0})):  # fmt: skip
        floor.see(desk__order=text)
    kinds = [row["kind"] for row in floor.rows["events"]]
    assert kinds == ["order", *["order_refused"] * 4]
    assert floor.lot("R-2-01") is None


def test_a_lot_of_no_known_order_is_left_alone_and_said_once() -> None:
    floor = Floor()
    floor.see(saw__station="X-9-01")
    floor.see(saw__station="X-9-01,O-1-01")
    assert [row["kind"] for row in floor.rows["events"]] == ["unknown_lot"]
    assert floor.lot().place == "saw"


def test_a_machine_that_counts_otherwise_is_believed() -> None:
    floor = Floor()
    proposal = Proposal("P", 0, "dispatch", "saw", (), "", context={"lot": "O-1-01"})
    text = "quantity is 15, but the lots hold 14 parts"
    floor.tracker.correct(proposal, Outcome("C", 0, done=False, detail=text))
    assert floor.lot().quantity == 14


# -- vehicles -------------------------------------------------------------------------------


def sent(floor: Floor, lot: str = "O-1-01", destination: str = "saw") -> Proposal:
    context = {
        "task": "move", "vehicle": "amr", "lot": lot, "order": "O-1", "origin": "store",
        "destination": destination, "vehicle_order": "T-1",
    }  # fmt: skip
    proposal = Proposal("P-T", floor.now, "transport", "amr", (), "", context=context)
    floor.tracker.fleet.sent(proposal)
    return proposal


def actions(*states: str) -> str:
    return json.dumps(
        [{"actionId": f"T-1-{i}", "actionType": "drop", "actionStatus": s,
          "resultDescription": "full"}
         for i, s in enumerate(states)]
    )  # fmt: skip


def vehicle(floor: Floor) -> Any:
    return floor.tracker.situation(floor.now, frozenset()).vehicles[0]


def test_a_transport_takes_a_lot_to_its_station() -> None:
    floor = Floor()
    floor.see(amr__node="n0", amr__order_id="", amr__nodes_left=0, amr__loads="",
              amr__actions="[]", amr__mode="AUTOMATIC")  # fmt: skip
    assert vehicle(floor).free
    sent(floor)
    assert not vehicle(floor).free
    assert floor.lot().heading == "saw"
    floor.see(amr__order_id="T-1", amr__nodes_left=2, amr__actions=actions("WAITING", "WAITING"))
    floor.see(amr__loads="O-1-01", amr__actions=actions("FINISHED", "WAITING"))
    assert (floor.lot().place, floor.lot().phase) == ("amr", LotPhase.MOVING)
    floor.see(amr__loads="", amr__nodes_left=0, amr__actions=actions("FINISHED", "FINISHED"))
    assert (floor.lot().place, floor.lot().phase) == ("saw", LotPhase.WAITING)
    assert floor.lot().held  # the saw's scanner has not read it
    floor.see(saw__station="O-1-01")
    assert not floor.lot().held
    assert vehicle(floor).free
    assert floor.rows["events"][-1]["kind"] == "transport"


def test_a_lot_at_the_dock_is_delivered() -> None:
    floor = Floor()
    floor.see(amr__loads="O-1-01")
    sent(floor, destination="dock")
    floor.see(amr__order_id="T-1", amr__nodes_left=0, amr__loads="", amr__actions="[]")
    assert floor.lot() is None
    assert floor.tracker.production.counts()["parts_finished"] == 15
    assert floor.rows["lots"][-1]["status"] == "finished"


def test_a_failed_transport_is_told_and_the_lot_can_be_planned_again() -> None:
    floor = Floor()
    sent(floor)
    floor.see(amr__order_id="T-1", amr__nodes_left=0, amr__loads="",
              amr__actions=actions("FAILED", "FAILED"))  # fmt: skip
    assert floor.failed == [("amr", "O-1-01", floor.now)]
    assert "full" in floor.rows["events"][-1]["text"]
    assert floor.lot().heading is None


def test_a_failed_instant_action_is_not_the_transports() -> None:
    floor = Floor()
    sent(floor)
    honk = {"actionId": "honk-1", "actionType": "honk", "actionStatus": "FAILED"}
    told = json.dumps([*json.loads(actions("FINISHED", "FINISHED")), honk])
    floor.see(amr__order_id="T-1", amr__nodes_left=0, amr__loads="", amr__actions=told)
    assert floor.failed == []
    assert floor.tracker.fleet.done == 1


def test_an_order_that_the_vehicle_did_not_take_is_forgotten() -> None:
    floor = Floor()
    floor.tracker.fleet.not_taken(sent(floor))
    assert floor.lot().heading is None


def test_somebody_elses_order_ends_ours() -> None:
    floor = Floor()
    sent(floor)
    floor.see(amr__order_id="T-1", amr__nodes_left=2, amr__actions="[]")
    floor.see(amr__order_id="local-5")
    assert floor.lot().heading is None


def test_a_broken_down_vehicle_is_not_free() -> None:
    floor = Floor()
    floor.see(amr__node="n0", amr__nodes_left=0, amr__actions="[]", amr__mode="SERVICE")
    assert not vehicle(floor).free
    floor.see(amr__mode="AUTOMATIC", amr__actions="{")
    assert vehicle(floor).free


class Past:
    """What a historian holds, as lists of rows."""

    def __init__(self, **tables: list[dict[str, Any]]) -> None:
        self._tables = tables

    def rows(self, name: str, start: int, end: int, **equals: Any) -> pa.Table:
        rows = [
            row
            for row in self._tables.get(name, [])
            if start <= row["time"].timestamp() * US < end
            and all(row[key] == value for key, value in equals.items())
        ]
        return pa.Table.from_pylist(rows)

    def samples(self, signals: object, start: int, end: int) -> pa.Table:
        return pa.Table.from_pylist([])


def _ago(days: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(START / US, dt.UTC) - dt.timedelta(days=days)


def _lot_row(lot: str, order: str, status: str, days: float) -> dict[str, Any]:
    return {
        "time": _ago(days), "lot": lot, "order": order, "product": "P", "quantity": 10,
        "status": status, "location": "dock",
    }  # fmt: skip


def test_a_restart_does_not_make_again_what_was_made_long_ago() -> None:
    floor = Floor()
    order = SHOP.orders[0].id
    rush = json.dumps({"id": "R-1", "product": "P", "quantity": 4, "release": START, "due": START})
    names = [name for name in floor.tracker.production.lots if name.startswith(f"{order}-")]
    made = [_lot_row(name, order, "finished", 40) for name in [*names, f"{order}-01"]]
    again = Tracker(SHOP, LiveValues(), lambda table, row: None, lambda *told: None)
    again.restore(Past(lots=[*made, _lot_row("R-1-01", "R-1", "finished", 40)]), START)
    again.update([], floor.now)
    again.production.learn_order(rush, floor.now)
    again.update([], floor.now)
    assert [lot.id for lot in again.look(floor.now).lots if lot.order in (order, "R-1")] == []


def test_a_restart_keeps_the_steps_of_a_lot_that_takes_long() -> None:
    order = SHOP.orders[0].id
    step = {
        "time": _ago(20), "lot": f"{order}-01", "product": "P", "operation": "cut",
        "equipment": "saw", "quantity": 10, "good": 10, "scrap": 0,
    }  # fmt: skip
    again = Tracker(SHOP, LiveValues(), lambda table, row: None, lambda *told: None)
    again.restore(
        Past(lots=[_lot_row(f"{order}-01", order, "started", 21)], operations=[step]), START
    )
    assert again.production.lots[f"{order}-01"].step == 1


def test_a_restart_leaves_out_orders_of_a_product_that_is_gone() -> None:
    order = {"id": "R-1", "product": "Old", "quantity": 4, "release": START, "due": START}
    event = {"time": _ago(2), "kind": "order", "data": json.dumps(order)}
    step = {
        "time": _ago(1), "lot": "R-1-01", "product": "Old", "operation": "cut",
        "equipment": "saw", "quantity": 4, "good": 4, "scrap": 0,
    }  # fmt: skip
    again = Tracker(SHOP, LiveValues(), lambda table, row: None, lambda *told: None)
    lots = [{**_lot_row("R-1-01", "R-1", "started", 2), "product": "Old"}]
    again.restore(Past(events=[event], lots=lots, operations=[step]), START)
    assert "R-1-01" not in again.production.lots


def test_nonsense_about_actions_is_none() -> None:
    for text in ("5", "null", "{}", "[5]", "{"):
        floor = Floor()
        floor.see(amr__nodes_left=0, amr__node="n1", amr__actions=text)
        assert floor.tracker.situation(floor.now, frozenset()).vehicles


async def test_what_a_job_counted_before_a_restart_is_read_off_the_event_loop() -> None:
    class Counted(Past):
        thread = 0

        def samples(self, signals: object, start: int, end: int) -> pa.Table:
            self.thread = threading.get_ident()
            return pa.Table.from_pylist([{"signal": "saw.good", "value": 7.0}])

    floor, past = Floor(), Counted()
    floor.tracker.restore(past, floor.now + 60 * US)
    floor.see(saw__station="", saw__lots="O-1-01", saw__job_operation="P/cut", saw__good=9)
    await floor.tracker.look_up()
    assert past.thread not in (0, threading.get_ident())
    run = floor.tracker.runs.run_on("saw")
    assert run is not None
    assert run.base[Role.GOOD_COUNT] == 7.0


def test_orders_that_are_long_done_are_let_go_and_not_made_again() -> None:
    floor = Floor()
    production = floor.tracker.production
    before = production.counts()
    names = [name for name in production.lots if name.startswith("O-1-")]
    assert names
    for name in names:
        floor.tracker.production.standing(production.sink, [name], floor.now)
    assert production.counts()["lots_finished"] == len(names)
    done = production.counts()
    floor.see(KEPT_S - 10)
    assert "O-1" in production.orders
    floor.see(3700)
    assert "O-1" not in production.orders
    assert not [name for name in production.lots if name.startswith("O-1-")]
    after = production.counts()
    for name in ("lots_finished", "parts_finished"):
        assert after[name] == done[name] > before[name]
    floor.see(dock__station=",".join(names))
    floor.see(4000)
    assert not [name for name in production.lots if name.startswith("O-1-")]
    assert "unknown_lot" not in {row["kind"] for row in floor.rows.get("events", [])}


def test_orders_of_an_earlier_core_are_let_go_when_their_vehicle_has_another() -> None:
    floor = Floor()
    sent = [
        {"vehicle_order": f"T-{n}", "vehicle": "amr", "lot": "O-1-01", "destination": "saw"}
        for n in range(5)
    ]
    rows = [
        {
            "time": _ago(1), "stage": "proposal", "kind": "transport",
            "data": json.dumps({"context": context}),
        }
        for context in sent
    ]  # fmt: skip
    floor.tracker.restore(Past(decisions=rows), floor.now)
    assert len(floor.tracker.fleet.earlier) == 5
    floor.see(amr__order_id="T-3", amr__nodes_left=2, amr__actions="[]")
    assert set(floor.tracker.fleet.earlier) == {"T-3"}
    assert floor.lot().heading == "saw"
