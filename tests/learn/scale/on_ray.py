"""What Ray makes of the work that is done elsewhere too, as JSON. A process of its own.

Ray ends the process that started it where its own start takes too long; a test suite is not to end
with it.
"""

import json

import numpy as np
from tests.learn.scale.work import anomaly, backbone, checked, digest_of, quality

from genba.learn.scale import Place, Scale, opened

RAY = Scale(Place.RAY, 2)


def main() -> None:
    """Print the digests of what was made."""
    with opened(RAY) as pool:
        checked(pool)
        told = {
            "quality": digest_of(quality(RAY).files),
            "anomaly": digest_of(anomaly(RAY).files),
            "backbone": digest_of({k: np.asarray(v).tobytes() for k, v in backbone(RAY).items()}),
        }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
