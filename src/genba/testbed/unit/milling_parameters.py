"""What is told of milling: the recipe of an operation, and the parameters of a machining center."""

from typing import Literal

from genba.plant.ids import Value
from genba.testbed.unit.cyclic import NotNegative, Positive


class MillingRecipe(Value):
    """What is cut, with which tool, and the plant's fixed program."""

    tool_mm: Positive = 16.0
    teeth: Positive = 4.0
    corner_mm: Positive = 0.8
    axial_mm: Positive
    radial_mm: Positive
    """Width of cut; for a boring bar the circumference of the bore (then feed per tooth is feed per
    revolution, and the formulas give the removal rate of boring)."""
    path_mm: Positive
    """Length of the path in the cut."""
    idle_s: NotNegative
    """Loading, rapids, tool changes inside the cycle."""
    kc11_mpa: Positive = 2100.0
    mc: Positive = 0.26
    hardness_reference_hb: Positive = 180.0
    life_min: Positive = 55.0
    """Mean tool life at the reference speed, feed and depth."""
    speed_reference_m_min: Positive = 180.0
    feed_reference_mm: Positive = 0.08
    axial_reference_mm: Positive = 3.5
    allowance_um: float = 9.0
    """What the program cuts deeper, for deflection and a half-worn tool."""
    tolerance_um: Positive = 13.0
    roughness_limit_um: Positive = 1.6
    spindle_rpm: Positive
    feed_mm_min: Positive
    tool_life_limit_min: Positive = 30.0


class MillingParameters(Value):
    """One machining center."""

    kind: Literal["milling"] = "milling"
    rated_kw: Positive = 5.0
    rated_torque_nm: Positive = 30.0
    max_rpm: Positive = 12000.0
    max_feed_mm_min: Positive = 5000.0
    base_kw: NotNegative = 1.6
    """Controls, coolant pump, hydraulics while it runs."""
    standby_kw: NotNegative = 0.45
    idle_spindle_kw: NotNegative = 0.9
    """Spindle and drives turning free at full speed."""
    drive_efficiency: Positive = 0.80
    idle_factor: Positive = 1.0
    """Factor on the recipe's idle times (a faster changer and faster rapids: below 1)."""
    taylor_n: Positive = 0.25
    taylor_m: Positive = 0.62
    taylor_p: Positive = 1.6
    hardness_exponent: float = 2.0
    life_shape: Positive = 4.5
    """Weibull shape of single tools' lives: 4.5 spreads them by about a quarter."""
    wear_force_per_mm: float = 2.2
    """Relative rise of the force per mm of flank wear."""
    wear_size_um_per_mm: float = 60.0
    deflection_um_per_kn: float = 8.0
    growth_um_per_k: float = 1.6
    """Spindle growth that the machine's own compensation leaves over."""
    spindle_tau_s: Positive = 1500.0
    spindle_heat_k: float = 22.0
    """Rise of the spindle at full speed and half load."""
    natural_hz: Positive = 780.0
    stable_depth_mm: Positive = 3.4
    lobe_gain: float = 1.1
    runout_sigma_um: NotNegative = 2.5
    size_noise_um: NotNegative = 3.5
    break_per_min: float = 0.0004
    change_s: NotNegative = 240.0
    break_change_s: NotNegative = 600.0
    tool_cost: NotNegative = 38.0
