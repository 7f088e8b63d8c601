"""The job interface of a machine, as whoever commands it over a protocol sees it."""

from typing import Any

import pytest

from genba.plant import US, PackMLMode, PackMLState
from genba.testbed import PlantSimulation, Scenario, load_testbed

PLANT, PHYSICS = load_testbed()
CALM = Scenario(random=False)


class Terminal:
    """A plant where nothing goes wrong by chance, and whose machines hear from somebody."""

    def __init__(self, machine: str = "mill-1") -> None:
        self.simulation = PlantSimulation(PLANT, PHYSICS, seed=1, scenario=CALM)
        self.machine = machine
        self.simulation.advance(self.simulation.now + 10 * US)

    def bring(self, *lots: str) -> int:
        """Set lots down at the machine as a vehicle would; returns how many parts they hold."""
        floor = self.simulation.machines[self.machine].floor
        for lot_id in lots:
            lot = floor.lots[lot_id]
            floor.stations["store"].take(lot)
            floor.stations[self.machine].put(lot, self.simulation.now)
        return sum(len(floor.lots[lot_id].parts) for lot_id in lots)

    def lot_of(self, product: str, number: int = 0) -> str:
        floor = self.simulation.machines[self.machine].floor
        return [lot.id for lot in floor.lots.values() if lot.product.id == product][number]

    def value(self, short: str) -> Any:
        return self.simulation.value(f"{self.machine}.{short}")

    def write(self, **values: Any) -> None:
        for short, value in values.items():
            self.simulation.write(f"{self.machine}.{short}", value)

    def run(self, seconds: int, beat: bool = True) -> None:
        for second in range(seconds):
            if second % 60 == 0:
                beats = self.simulation.value("order-desk.heartbeat")
                self.simulation.write("order-desk.heartbeat", int(str(beats)) + 1)
            if beat and second % 60 == 0:
                self.write(heartbeat=int(self.value("heartbeat")) + 1)
            self.simulation.advance(self.simulation.now + US)

    def ask(self, lots: str, operation: str, quantity: int, number: int = 1) -> str:
        self.write(job_lots=lots, job_operation=operation, job_quantity=quantity)
        self.write(job_request=number)
        self.run(1)
        return str(self.value("job_error"))


def test_a_job_goes_from_idle_over_set_up_and_execute_to_complete() -> None:
    terminal = Terminal()
    lot = terminal.lot_of("JA17-S")
    parts = terminal.bring(lot)
    terminal.run(1)
    assert terminal.value("state") == PackMLState.IDLE
    assert terminal.value("station") == lot
    assert terminal.ask(lot, "JA17-S/mill", parts) == ""
    assert terminal.value("job_ack") == 1
    assert terminal.value("lots") == lot
    assert terminal.value("station") == ""
    assert terminal.value("mode") == PackMLMode.SETUP
    seen = [(terminal.value("mode"), terminal.value("state"))]
    while seen[-1] != (PackMLMode.PRODUCTION, PackMLState.IDLE):
        terminal.run(1)
        state = (terminal.value("mode"), terminal.value("state"))
        if seen[-1] != state:
            seen.append(state)
        assert len(seen) < 99
    setup, production = PackMLMode.SETUP, PackMLMode.PRODUCTION
    assert seen[:2] == [(setup, PackMLState.STARTING), (setup, PackMLState.EXECUTE)]
    assert seen[-5:] == [
        (production, PackMLState.EXECUTE),
        (production, PackMLState.COMPLETING),
        (production, PackMLState.COMPLETE),
        (production, PackMLState.RESETTING),
        (production, PackMLState.IDLE),
    ]
    assert terminal.value("station") == lot
    assert terminal.value("lots") == ""
    counted = terminal.value("good_count") + terminal.value("scrap_count")
    assert counted == parts
    (row,) = terminal.simulation.ledger()["operations"]
    assert row["setup_s"] == pytest.approx(row["planned_setup_s"], rel=0.7)
    assert row["good"] + row["scrap"] == parts
    assert row["energy_kwh"] > 0


def test_a_family_that_is_mounted_needs_no_set_up() -> None:
    terminal = Terminal()
    first, second = terminal.lot_of("JA17-S", 0), terminal.lot_of("JA17-S", 1)
    parts = terminal.bring(first)
    terminal.ask(first, "JA17-S/mill", parts)
    while terminal.value("state") != PackMLState.COMPLETE:
        terminal.run(1)
    terminal.run(6)
    parts = terminal.bring(second)
    assert terminal.ask(second, "JA17-S/mill", parts, 2) == ""
    terminal.run(2)
    assert terminal.value("mode") == PackMLMode.PRODUCTION
    assert terminal.value("state") == PackMLState.EXECUTE


def test_refusals_say_why_and_are_acknowledged() -> None:
    terminal = Terminal()
    lot, other = terminal.lot_of("JA17-S"), terminal.lot_of("JA14-P")
    parts = terminal.bring(lot, other)
    count = len(terminal.simulation.machines["mill-1"].floor.lots[lot].parts)
    asked = [
        ((lot, "JA17-S/mill", count + 1), "quantity is"),
        (("O-9999-01", "JA17-S/mill", 3), "does not stand at this station"),
        ((lot, "JA17-S/grind", count), "not done on this machine"),
        ((lot, "JA17-S/paint", count), "no operation"),
        ((lot, "moon/mill", count), "names no product"),
        ((other, "JA14-P/mill", parts - count), "needs mold next"),
        ((lot, "JA17-P/mill", count), "is JA17-S"),
        (("", "JA17-S/mill", count), "no lot is named"),
        ((f"{lot},{lot}", "JA17-S/mill", 2 * count), "named twice"),
    ]
    for number, (request, words) in enumerate(asked, start=1):
        assert words in terminal.ask(*request, number)
        assert terminal.value("job_ack") == number
        assert terminal.value("state") == PackMLState.IDLE
    assert "is not above" in terminal.ask(lot, "JA17-S/mill", count, 3)
    assert terminal.value("job_ack") == len(asked)
    assert terminal.ask(lot, "JA17-S/mill", count, 20) == ""
    assert "must be IDLE" in terminal.ask(lot, "JA17-S/mill", count, 21)


def test_a_tool_that_is_in_use_elsewhere_is_a_refusal() -> None:
    terminal = Terminal("press-1")
    lot = terminal.lot_of("JA14-P", 0)
    parts = terminal.bring(lot)
    terminal.simulation.machines["press-2"].floor.tools.take(("mold-14",))
    assert "tool mold-14 is in use" in terminal.ask(lot, "JA14-P/mold", parts)


def test_a_cell_refuses_while_a_person_is_inside() -> None:
    terminal = Terminal("cell-1")
    zone = terminal.simulation.machines["cell-1"].zone
    assert zone is not None
    zone.enter(terminal.simulation.now, 30.0)
    terminal.run(1)
    assert terminal.value("people") == 1
    assert "person" in terminal.ask("O-1001-01", "JA14-P/assemble", 3)


def test_without_a_heartbeat_the_local_controller_takes_over_and_gives_back() -> None:
    terminal = Terminal()
    lot = terminal.lot_of("JA17-S")
    parts = terminal.bring(lot)
    terminal.run(290, beat=False)
    assert terminal.value("state") == PackMLState.IDLE
    terminal.run(30, beat=False)
    assert terminal.value("lots") == lot
    assert terminal.value("job_ack") == 0
    assert "heartbeat" in terminal.ask(lot, "JA17-S/mill", parts) or terminal.value("lots") == lot
    while terminal.value("state") != PackMLState.COMPLETE:
        terminal.run(1)
    terminal.run(6)
    second = terminal.lot_of("JA17-S", 1)
    parts = terminal.bring(second)
    assert terminal.ask(second, "JA17-S/mill", parts, 5) == ""


def test_a_stale_heartbeat_refuses_jobs() -> None:
    terminal = Terminal()
    terminal.run(320, beat=False)
    lot = terminal.lot_of("JA17-S")
    parts = terminal.bring(lot)
    terminal.write(job_lots=lot, job_operation="JA17-S/mill", job_quantity=parts, job_request=1)
    terminal.run(1, beat=False)
    assert "heartbeat is stale" in terminal.value("job_error")


def test_the_furnace_takes_lots_of_several_products_of_one_family() -> None:
    terminal = Terminal("furnace")
    floor = terminal.simulation.machines["furnace"].floor
    lots = [terminal.lot_of("JA17-S"), terminal.lot_of("JA25-S")]
    for lot in lots:
        floor.lots[lot].step = 1
    parts = terminal.bring(*lots)
    assert terminal.ask(",".join(lots), "JA17-S/harden", parts) == ""
    while terminal.value("state") != PackMLState.COMPLETE:
        terminal.run(1)
    assert set(terminal.value("station").split(",")) == set(lots)
    assert [floor.lots[lot].step for lot in lots] == [2, 2]


def test_a_value_that_was_just_written_reads_back_at_once() -> None:
    terminal = Terminal()
    terminal.write(spindle_speed=4321.0)
    assert terminal.value("spindle_speed") == 4321.0
    terminal.run(1)
    assert terminal.value("spindle_speed") == 4321.0
