"""Specific volume of a polymer after the two-domain Tait equation.

Tait's equation in the form of Zoller & Walsh, "Standard Pressure-Volume-Temperature Data for
Polymers" (1995), with the two domains and the universal constant C = 0.0894 as used for injection
molding (Autodesk Moldflow help, "2-domain Tait PVT model"):

    v(T, p) = v0(T) (1 - C ln(1 + p / B(T)))
    v0 = b1 + b2 (T - b5),  B = b3 exp(-b4 (T - b5)),  transition at b5 + b6 p

with one set of b1 to b4 above the transition (melt) and one below it (solid). For an amorphous
polymer the volume is continuous at the transition, so b1 is the same on both sides.
"""

import math

from genba.plant.ids import Value

C = 0.0894


class Tait(Value):
    """Coefficients; the defaults are of the size found for an ABS/PC blend (amorphous)."""

    b1_cm3_g: float = 0.9120
    b2_melt_cm3_gk: float = 5.9e-4
    b2_solid_cm3_gk: float = 2.4e-4
    b3_melt_mpa: float = 170.0
    b3_solid_mpa: float = 240.0
    b4_melt_per_k: float = 4.4e-3
    b4_solid_per_k: float = 3.2e-3
    b5_c: float = 112.0
    """Transition temperature at no pressure, degrees Celsius."""
    b6_k_mpa: float = 0.40
    """Rise of the transition with pressure."""


def specific_volume(tait: Tait, temperature_c: float, pressure_mpa: float) -> float:
    """Specific volume in cm³/g.

    Parameters
    ----------
    temperature_c, pressure_mpa:
        State of the polymer; pressure of 0 or more.
    """
    above = temperature_c - tait.b5_c
    if above > tait.b6_k_mpa * pressure_mpa:
        v0 = tait.b1_cm3_g + tait.b2_melt_cm3_gk * above
        b = tait.b3_melt_mpa * math.exp(-tait.b4_melt_per_k * above)
    else:
        v0 = tait.b1_cm3_g + tait.b2_solid_cm3_gk * above
        b = tait.b3_solid_mpa * math.exp(-tait.b4_solid_per_k * above)
    return v0 * (1.0 - C * math.log1p(pressure_mpa / b))


def volumetric_shrinkage(
    tait: Tait, sealed_c: float, sealed_mpa: float, room_c: float = 23.0
) -> float:
    """Share of its volume that a part loses from gate seal to room state (1 bar).

    After the gate has frozen the mass is fixed, so the cavity's content goes from the specific
    volume at seal to that at room: ``1 - v_room / v_seal`` (Osswald & Turng, "Injection Molding
    Handbook", 2nd ed., ch. 6; path on the pvT diagram).
    """
    return 1.0 - specific_volume(tait, room_c, 0.1) / specific_volume(tait, sealed_c, sealed_mpa)
