"""Places where lots stand: machine stations, the store, the dock. A scanner reads what is there."""

from genba.testbed.board import Board
from genba.testbed.lots import Lot


class Station:
    """Places at one piece of equipment. A lot in work keeps its place, so it can come back."""

    __slots__ = ("board", "equipment", "lots", "places")

    def __init__(self, equipment: str, places: int | None, board: Board | None) -> None:
        self.equipment = equipment
        self.places = places
        """Most lots; None: as many as come."""
        self.lots: dict[str, Lot] = {}
        self.board = board
        self._scan()

    @property
    def free(self) -> int:
        """Free places."""
        return 1_000_000 if self.places is None else self.places - len(self.lots)

    def put(self, lot: Lot, now: int) -> None:
        """Set a lot down. The caller looks for a free place first."""
        self.lots[lot.id] = lot
        lot.place = self.equipment
        lot.since = now
        self._scan()

    def take(self, lot: Lot) -> None:
        """Lift a lot off, or throw its empty box away."""
        del self.lots[lot.id]
        lot.place = ""
        self._scan()

    def standing(self, lot_id: str) -> Lot | None:
        """The lot, if it stands here and is not in work."""
        lot = self.lots.get(lot_id)
        return None if lot is None or lot.in_work else lot

    def rescan(self) -> None:
        """Read again, after lots went into work or came out of it."""
        self._scan()

    def _scan(self) -> None:
        if self.board is not None:
            ids = ",".join(lot.id for lot in self.lots.values() if not lot.in_work)
            self.board.show("station", ids)
