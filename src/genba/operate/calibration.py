"""What the twin has learned of a plant, for those who plan with it."""

import logging
from pathlib import Path

from genba.errors import TwinError
from genba.plan.calibrated import factors_of
from genba.plan.ways import Factors
from genba.plant import Plant

logger = logging.getLogger(__name__)


def factors(plant: Plant, calibration: str) -> Factors | None:
    """Return the time factors of a calibration, None where there is none.

    One that cannot be read is told, and planning goes on with planned times.
    """
    path = Path(calibration)
    if not calibration or not path.exists():
        return None
    from genba.twin.build import build_line
    from genba.twin.calibration_file import load

    try:
        return factors_of(load(path, build_line(plant)).line)
    except TwinError as error:
        logger.warning("plans use the plant file's times: %s", error)
        return None
