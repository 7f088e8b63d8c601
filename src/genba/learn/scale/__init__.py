"""Where heavy work of learning runs: here, in workers, or on Ray. One setting; the same result.

Nothing else in Genba imports Ray.
"""

from genba.learn.scale.pool import Pool, Shared, opened, run_all
from genba.learn.scale.setting import VARIABLE, Place, Scale, scale_of

__all__ = ["VARIABLE", "Place", "Pool", "Scale", "Shared", "opened", "run_all", "scale_of"]
