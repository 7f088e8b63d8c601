"""The atoms and prefixes of UCUM that Genba knows, and what people write instead.

Factors are exact, after UCUM 2.1 (https://ucum.org/ucum); mass counts in kilograms.
"""

import math
from fractions import Fraction

Dimensions = tuple[int, ...]
"""Powers of length, time, mass, angle, temperature, current, light, amount, level, acidity."""

_NAMES = (
    *("length", "time", "mass", "angle", "temperature"),
    *("current", "light", "amount", "level", "acidity"),
)

NONE: Dimensions = (0,) * 10


def _dimensions(**powers: int) -> Dimensions:
    return tuple(powers.get(name, 0) for name in _NAMES)


def base(name: str) -> Dimensions:
    """Dimensions of a base unit."""
    return _dimensions(**{name: 1})


_FORCE = _dimensions(mass=1, length=1, time=-2)
_PRESSURE = _dimensions(mass=1, length=-1, time=-2)
_ENERGY = _dimensions(mass=1, length=2, time=-2)
_POWER = _dimensions(mass=1, length=2, time=-3)
_VOLTAGE = _dimensions(mass=1, length=2, time=-3, current=-1)
_CHARGE = _dimensions(time=1, current=1)
_VOLUME = _dimensions(length=3)
_RATE = _dimensions(time=-1)
_PI = Fraction(math.pi)
_LB = Fraction("0.45359237")
_GRAVITY = Fraction("9.80665")

METRIC: dict[str, tuple[Fraction | str | int, Dimensions]] = {
    # Base units; mass counts in kilograms.
    "m": (1, base("length")),
    "s": (1, base("time")),
    "g": ("0.001", base("mass")),
    "rad": (1, base("angle")),
    "K": (1, base("temperature")),
    "A": (1, base("current")),
    "cd": (1, base("light")),
    "mol": (1, base("amount")),
    "B": (1, base("level")),
    # Derived units of the SI.
    "Hz": (1, _RATE),
    "Bq": (1, _RATE),
    "N": (1, _FORCE),
    "Pa": (1, _PRESSURE),
    "J": (1, _ENERGY),
    "W": (1, _POWER),
    "C": (1, _CHARGE),
    "V": (1, _VOLTAGE),
    "F": (1, _dimensions(mass=-1, length=-2, time=4, current=2)),
    "Ohm": (1, _dimensions(mass=1, length=2, time=-3, current=-2)),
    "S": (1, _dimensions(mass=-1, length=-2, time=3, current=2)),
    "Wb": (1, _dimensions(mass=1, length=2, time=-2, current=-1)),
    "T": (1, _dimensions(mass=1, time=-2, current=-1)),
    "H": (1, _dimensions(mass=1, length=2, time=-2, current=-2)),
    "sr": (1, _dimensions(angle=2)),
    "lm": (1, _dimensions(light=1, angle=2)),
    "lx": (1, _dimensions(light=1, angle=2, length=-2)),
    "Gy": (1, _dimensions(length=2, time=-2)),
    "Sv": (1, _dimensions(length=2, time=-2)),
    "kat": (1, _dimensions(amount=1, time=-1)),
    # Others that take prefixes.
    "l": ("0.001", _VOLUME),
    "L": ("0.001", _VOLUME),
    "t": (1000, base("mass")),
    "bar": (100_000, _PRESSURE),
    "ar": (100, _dimensions(length=2)),
    "eV": ("1.602176634e-19", _ENERGY),
    "cal": ("4.184", _ENERGY),
    "Wh": (3600, _ENERGY),
    "VA": (1, _POWER),
    "var": (1, _POWER),
    "Ah": (3600, _CHARGE),
    "P": ("0.1", _dimensions(mass=1, length=-1, time=-1)),
    "St": ("0.0001", _dimensions(length=2, time=-1)),
    "G": ("0.0001", _dimensions(mass=1, time=-2, current=-1)),
    "gf": (_GRAVITY / 1000, _FORCE),
}

PLAIN: dict[str, tuple[Fraction | str | int, Dimensions]] = {
    "%": ("0.01", NONE),
    "[ppth]": ("0.001", NONE),
    "[ppm]": ("1e-6", NONE),
    "[ppb]": ("1e-9", NONE),
    "[pH]": (1, base("acidity")),
    "min": (60, base("time")),
    "h": (3600, base("time")),
    "d": (86_400, base("time")),
    "wk": (604_800, base("time")),
    "mo": (2_629_800, base("time")),
    "a": (31_557_600, base("time")),
    "deg": (_PI / 180, base("angle")),
    "'": (_PI / 10_800, base("angle")),
    "''": (_PI / 648_000, base("angle")),
    "circ": (_PI * 2, base("angle")),
    "atm": (101_325, _PRESSURE),
    "[psi]": (_LB * _GRAVITY / Fraction("0.0254") ** 2, _PRESSURE),
    "m[H2O]": ("9806.65", _PRESSURE),
    "m[Hg]": ("133322", _PRESSURE),
    "[in_i]": ("0.0254", base("length")),
    "[ft_i]": ("0.3048", base("length")),
    "[yd_i]": ("0.9144", base("length")),
    "[mi_i]": ("1609.344", base("length")),
    "[lb_av]": (_LB, base("mass")),
    "[oz_av]": (_LB / 16, base("mass")),
    "[lbf_av]": (_LB * _GRAVITY, _FORCE),
    "[gal_us]": ("0.003785411784", _VOLUME),
    "[HP]": (Fraction("745.69987158227022"), _POWER),
    "[Btu_IT]": ("1055.05585262", _ENERGY),
    "[g]": (_GRAVITY, _dimensions(length=1, time=-2)),
    "[kn_i]": (Fraction(1852, 3600), _dimensions(length=1, time=-1)),
    "10*": (10, NONE),
    "10^": (10, NONE),
}

OFFSETS: dict[str, tuple[Fraction, Fraction]] = {
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * 5 / 9),
}

PREFIXES: dict[str, Fraction] = {
    name: Fraction(10) ** power
    for name, power in {
        **{"Q": 30, "R": 27, "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6},
        **{"k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12},
        **{"f": -15, "a": -18, "z": -21, "y": -24, "r": -27, "q": -30},
    }.items()
} | {name: Fraction(2) ** power for name, power in {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}.items()}

OFTEN_WRITTEN = {
    "degc": "Cel", "°c": "Cel", "c": "Cel", "celsius": "Cel", "degf": "[degF]", "°f": "[degF]",
    "fahrenheit": "[degF]", "kelvin": "K", "°": "deg", "degree": "deg", "degrees": "deg",
    "sec": "s", "second": "s", "seconds": "s", "msec": "ms", "minute": "min", "minutes": "min",
    "mins": "min", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d",
    "rpm": "/min", "1/min": "/min", "u/min": "/min", "rps": "/s", "pcs": "{part}", "pc": "{part}",
    "piece": "{part}", "pieces": "{part}", "part": "{part}", "parts": "{part}", "psi": "[psi]",
    "percent": "%", "pct": "%", "ppm": "[ppm]", "ppb": "[ppb]", "ph": "[pH]", "µm": "um",
    "μm": "um", "micron": "um", "ohms": "Ohm", "ω": "Ohm", "inch": "[in_i]", "in": "[in_i]",
    "ft": "[ft_i]", "lb": "[lb_av]", "lbs": "[lb_av]", "hp": "[HP]", "nm": "N.m", "liter": "L",
    "litre": "L", "liters": "L", "ton": "t", "tonne": "t", "m³": "m3", "m²": "m2", "m^3": "m3",
    "m^2": "m2", "none": "1", "dimensionless": "1", "-": "1", "watt": "W",
    "bars": "bar", "barg": "bar", "mbarg": "mbar", "volt": "V", "ampere": "A", "amp": "A",
    "amps": "A", "db(a)": "dB", "dba": "dB", "hertz": "Hz", "newton": "N", "joule": "J",
}  # fmt: skip
"""What people write (in small letters) and what UCUM calls it."""
