"""What became of parts, as the plant sees it: counted, sent through again, or scrapped."""

from collections.abc import Mapping, Sequence

from genba.plant import Role
from genba.testbed.board import Board
from genba.testbed.inspection import Gauge
from genba.testbed.job import Task
from genba.testbed.ledger import MachineBooks
from genba.testbed.lots import Lot
from genba.testbed.unit.process import Made, Part


class Outcomes:
    """Judges what comes out of one machine's cycles."""

    def __init__(self, books: MachineBooks, gauge: Gauge, max_rework: int, board: Board) -> None:
        self._books = books
        self._gauge = gauge
        self._max_rework = max_rework
        self._board = board
        self._part = board.names.get(Role.PART, Role.PART.value)

    def settle(self, task: Task, cycle: Sequence[tuple[Lot, Part]], made: Sequence[Made]) -> float:
        """Count each part of a cycle; returns how long gauging takes, in seconds."""
        gauging_s = 0.0
        owners = {part.serial: lot for lot, part in cycle}
        for item in made:
            lot = owners[item.part.serial]
            looked = item.detected or item.passed is not None
            if not looked and self._gauge.picks():
                looked = True
                gauging_s += self._gauge.duration_s
                self._gauge.learn(item.conforming)
            result = self._judge(task, lot, item, looked)
            self._books.parts += 1
            self._books.truly_bad += not item.conforming
            self._announce(lot, item, result, looked)
        self.show_counts()
        return gauging_s

    def lose(self, task: Task, cycle: Sequence[tuple[Lot, Part]], spoiled: set[str]) -> None:
        """A cycle was lost: some of its parts (by serial) are spoiled, the others run again."""
        kept: list[tuple[Lot, Part]] = []
        for lot, part in cycle:
            if part.serial in spoiled:
                self._scrap(task, lot, part)
                self._books.parts += 1
                self._books.truly_bad += 1
            else:
                kept.append((lot, part))
        task.todo.extendleft(reversed(kept))
        self.show_counts()

    def show_counts(self) -> None:
        """Show the cumulative counters."""
        board, books = self._board, self._books
        for role, count in (
            (Role.GOOD_COUNT, books.good),
            (Role.SCRAP_COUNT, books.scrap),
            (Role.REWORK_COUNT, books.rework),
        ):
            board.show(board.names.get(role, role.value), count)

    def _judge(self, task: Task, lot: Lot, item: Made, looked: bool) -> str:
        part, books = item.part, self._books
        passes = item.conforming if item.passed is None else item.passed
        if passes or not looked:
            task.good[lot.id] += 1
            books.good += 1
            return "good"
        again = task.reworks.get(part.serial, 0)
        if item.reworkable and again < self._max_rework:
            task.reworks[part.serial] = again + 1
            task.rework[lot.id] += 1
            books.rework += 1
            task.todo.append((lot, part))
            return "rework"
        self._scrap(task, lot, part)
        return "scrap"

    def _scrap(self, task: Task, lot: Lot, part: Part) -> None:
        task.scrap[lot.id] += 1
        self._books.scrap += 1
        lot.parts.remove(part)
        lot.scrapped.append(part)

    def _announce(self, lot: Lot, item: Made, result: str, looked: bool) -> None:
        values: Mapping[str, float] = {**item.trace, **(item.measurements if looked else {})}
        document = {
            "lot": lot.id,
            "serial": item.part.serial,
            "result": result,
            "inspected": looked,
            **{name: float(f"{value:.4g}") for name, value in values.items()},
        }
        self._board.announce(self._part, document)
