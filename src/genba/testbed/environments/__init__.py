"""Gymnasium environments of the reference plant: each unit process alone, and the whole plant.

For researchers who bring a controller of their own. Importing this room registers them::

    import gymnasium
    import genba.testbed.environments  # needs the extra genba[gym]

    env = gymnasium.make("Genba/InjectionPress-v0")

What an observation holds is what the signals of ``plant.yaml`` show, and context that a plant
knows; the truth stands in ``info``, to score by and for nothing else.
"""

from genba.errors import TestbedError

try:
    from genba.testbed.environments.economics import Economics
    from genba.testbed.environments.registration import ENVIRONMENTS, register
    from genba.testbed.environments.unit_process import UnitProcessEnv
    from genba.testbed.environments.whole_plant import PlantEnv
except ModuleNotFoundError as error:
    if error.name != "gymnasium":
        raise
    raise TestbedError(
        "the environments need gymnasium, which is not installed; pip install 'genba[gym]'"
    ) from None

register()

__all__ = ["ENVIRONMENTS", "Economics", "PlantEnv", "UnitProcessEnv", "register"]
