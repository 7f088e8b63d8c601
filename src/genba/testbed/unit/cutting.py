"""Metal cutting in formulas: force, power, tool life, wear, surface, stability.

Sources
-------
- Force ``kc = kc1.1 hm^-mc``, mean chip thickness ``hm = fz sqrt(ae/D)`` for shallow radial depth,
  power ``Pc = ap ae vf kc / 60e6``: Kienzle 1952; Sandvik Coromant, "Specific cutting force"; kc1.1
  and mc of case-hardening steel 16MnCr5 as tabulated in König & Klocke, *Fertigungsverfahren 1*.
- Tool life, extended Taylor equation ``T = T0 (v0/v)^(1/n) (f0/f)^(1/m) (a0/a)^(1/p)``: Taylor
  1907; ISO 8688-2 (life at a flank wear of 0.3 mm; wear in three stages: running in, steady, steep
  end).
- Roughness of a corner radius, ``Rz = fz²/(8 r)``, ``Ra`` about a quarter of it.
- Stable depth by lobes over spindle speed, ``60 f/(z n)`` whole in the pockets: Altintas & Budak,
  CIRP Annals 44, 1995; here one smooth lobe per whole number instead of the exact curve.
"""

import math


def chip_thickness_mm(feed_tooth_mm: float, radial_mm: float, tool_mm: float) -> float:
    """Mean chip thickness; never below the edge radius of about 2 µm, which only rubs."""
    return max(0.002, feed_tooth_mm * math.sqrt(min(1.0, radial_mm / tool_mm)))


def specific_force_mpa(kc11_mpa: float, mc: float, chip_mm: float) -> float:
    """Kienzle's specific cutting force."""
    return kc11_mpa * math.pow(chip_mm, -mc)


def cutting_power_kw(axial_mm: float, radial_mm: float, feed_mm_min: float, kc_mpa: float) -> float:
    """Power at the edge: removal rate times specific force."""
    return axial_mm * radial_mm * feed_mm_min * kc_mpa / 60e6


def taylor_life(
    reference: float,
    speed_ratio: float,
    feed_ratio: float,
    depth_ratio: float,
    exponents: tuple[float, float, float],
) -> float:
    """Mean tool life in the unit of ``reference``.

    Parameters
    ----------
    speed_ratio, feed_ratio, depth_ratio:
        Present value over the one at which ``reference`` holds.
    exponents:
        Taylor's n, m, p.
    """
    n, m, p = exponents
    return reference / (
        math.pow(speed_ratio, 1.0 / n)
        * math.pow(feed_ratio, 1.0 / m)
        * math.pow(depth_ratio, 1.0 / p)
    )


def flank_wear_mm(share: float) -> float:
    """Flank wear after a share of the tool's own life; 0.3 mm at 1."""
    running_in = 0.06 * (1.0 - math.exp(-share / 0.05))
    return running_in + 0.16 * share + 0.08 * min(share, 3.0) ** 4


def ideal_roughness_um(feed_tooth_mm: float, corner_mm: float) -> float:
    """Arithmetic roughness that the tool's shape leaves."""
    return 1000.0 * feed_tooth_mm**2 / (32.0 * corner_mm)


def stable_depth_mm(
    least_mm: float, gain: float, natural_hz: float, teeth: float, rpm: float
) -> float:
    """Axial depth up to which the cut is stable; largest where whole waves fit between teeth."""
    waves = 60.0 * natural_hz / (teeth * rpm)
    return least_mm * (1.0 + gain * math.cos(math.pi * waves) ** 2)
