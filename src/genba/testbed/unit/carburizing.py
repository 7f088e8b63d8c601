"""Carbon in steel: diffusivity and case depth.

Sources
-------
- Diffusivity in austenite ``D = 0.47 exp(-1.6 C) exp(-(37000 - 6600 C)/(R T))`` cm²/s, R in
  cal/(mol K): Tibbetts, J. Appl. Phys. 51, 4813 (1980).
- Profile ``(Cs - C)/(Cs - C0) = erf(x / (2 sqrt(integral D dt)))``: Fick's second law in the half
  space; case depth where C is 0.35% (550 HV limit of ISO 18203).
"""

import math
from statistics import NormalDist

_STANDARD = NormalDist()


def diffusivity_m2_s(temperature_c: float, carbon_pct: float) -> float:
    """Diffusivity of carbon in austenite, m²/s."""
    energy = 37_000.0 - 6_600.0 * carbon_pct
    kelvin = temperature_c + 273.15
    return 0.47e-4 * math.exp(-1.6 * carbon_pct - energy / (1.987 * kelvin))


def case_depth_m(
    integral_m2: float, surface_pct: float, core_pct: float, limit_pct: float = 0.35
) -> float:
    """Depth at which carbon has fallen to ``limit_pct``.

    Parameters
    ----------
    integral_m2:
        Diffusivity integrated over time, m².
    surface_pct, core_pct:
        Carbon at the surface and in the core, mass percent.
    """
    if surface_pct <= limit_pct or integral_m2 <= 0.0:
        return 0.0
    share = min(0.999, (surface_pct - limit_pct) / (surface_pct - core_pct))
    inverse_erf = _STANDARD.inv_cdf(0.5 * (share + 1.0)) / math.sqrt(2.0)
    return 2.0 * inverse_erf * math.sqrt(integral_m2)
