"""What the twin has learned of a plant, for those who plan with it."""

import logging
from pathlib import Path

from genba.errors import TwinError
from genba.plant import Plant
from genba.twin import Line

logger = logging.getLogger(__name__)


def calibrated_line(plant: Plant, calibration: str) -> Line | None:
    """Return the line as it was calibrated, None where that was never done.

    A calibration that cannot be read is told, and planning goes on with planned times.
    """
    path = Path(calibration)
    if not calibration or not path.exists():
        return None
    from genba.twin.build import build_line
    from genba.twin.calibration_file import load

    try:
        return load(path, build_line(plant)).line
    except TwinError as error:
        logger.warning("plans use the plant file's times: %s", error)
        return None
