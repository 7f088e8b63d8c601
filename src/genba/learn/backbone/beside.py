"""The rungs that stand on a backbone, and the same network without what it was taught beside them.

What a backbone is worth shows only beside these: the same corrections on random frozen features,
the same network trained here alone, and the backbone trained further here. The ladder has
persistence, a line and trees already, and may choose any of them.
"""

from genba.learn.backbone.backbone import Backbone, untaught
from genba.learn.backbone.forecast_recipe import BackboneForecast
from genba.learn.backbone.shape import Shape
from genba.learn.recipe.protocol import Recipe

SCRATCH_RATE = 2e-3
TUNED_RATE = 3e-4
SCRATCH = (150, 10)
TUNED = (60, 4)
"""Steps of 64 windows at least, and passes over the windows where these are more steps."""


def rungs_of(backbone: Backbone, steps: int, seed: int) -> tuple[Recipe, ...]:
    """Return the rungs of a taught backbone, ``steps`` rows ahead.

    ``seed`` is that of the random weights.
    """
    fresh = untaught(Shape.of(backbone.weights), seed)
    return (
        BackboneForecast(backbone, steps),
        BackboneForecast(fresh, steps, name="random"),
        BackboneForecast(fresh, steps, *SCRATCH, SCRATCH_RATE, name="scratch"),
        BackboneForecast(backbone, steps, *TUNED, TUNED_RATE, name="fine-tuned"),
    )
