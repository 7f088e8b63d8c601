"""What all machines share: the hall's air, the mains with their meter, tariff and carbon."""

from genba.plant import Role, Scalar
from genba.testbed.board import Board
from genba.testbed.floor import Floor
from genba.testbed.ledger import Ledger
from genba.testbed.unit.process import ClimateModel


class Utilities:
    """``tick`` once a second, after the machines and vehicles."""

    def __init__(
        self, floor: Floor, climate: ClimateModel, boards: dict[str, Board], ledger: Ledger
    ) -> None:
        plant = floor.plant
        self._floor = floor
        self._climate = climate
        self._ledger = ledger
        self._base_kw = floor.physics.base_load_kw
        self._load_kw = self._base_kw
        self._tariff = plant.tariffs[0] if plant.tariffs else None
        known = [e for e in plant.equipment if e.id in boards]
        self._meters = [boards[e.id] for e in known if e.kind == "energy_meter"]
        self._climates = [boards[e.id] for e in known if e.kind == "climate"]
        for board in self._meters:
            board.measure_all(self._metered(board))
        for board in self._climates:
            board.measure_all(climate.readings())

    def tick(self, second: int, machines_kw: float, vehicles_kw: float) -> None:
        """Let one second pass while machines and chargers draw this power."""
        around = self._floor.around
        heat_kw = machines_kw + self._base_kw
        self._climate.tick(1.0, around, heat_kw)
        self._load_kw = heat_kw + vehicles_kw + self._climate.power_kw
        hour, tariff = int(around.hour), self._tariff
        price = tariff.price_per_kwh[hour] if tariff else 0.0
        carbon = tariff.carbon_g_per_kwh[hour] if tariff else 0.0
        self._ledger.meter(self._load_kw, price, carbon)
        for board in self._meters:
            if board.measures(second):
                board.measure(second, self._metered(board))
        for board in self._climates:
            if board.measures(second):
                board.measure(second, self._climate.readings())

    def _metered(self, board: Board) -> dict[str, Scalar]:
        energy = board.names.get(Role.ENERGY, "energy")
        return {"power": self._load_kw, energy: self._ledger.energy_kwh}
