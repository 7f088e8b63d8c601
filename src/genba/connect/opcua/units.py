"""Units of OPC UA (UNECE Recommendation 20, by common code) in UCUM, as plant files write them."""

from asyncua import ua

_UCUM = {
    "C62": "1", "P1": "%", "CEL": "Cel", "KEL": "K", "FAH": "[degF]",
    "MTR": "m", "MMT": "mm", "CMT": "cm", "4H": "um", "KMT": "km", "INH": "[in_i]",
    "SEC": "s", "MIN": "min", "HUR": "h", "C26": "ms", "DAY": "d",
    "KGM": "kg", "GRM": "g", "TNE": "t", "MGM": "mg",
    "NEW": "N", "B47": "kN", "NU": "N.m", "PAL": "Pa", "KPA": "kPa", "MPA": "MPa", "BAR": "bar",
    "MBR": "mbar", "WTT": "W", "KWT": "kW", "MAW": "MW", "KWH": "kW.h", "WHR": "W.h", "JOU": "J",
    "KJO": "kJ", "3B": "MJ", "VLT": "V", "KVT": "kV", "AMP": "A", "4K": "mA", "OHM": "Ohm",
    "HTZ": "Hz", "KHZ": "kHz", "MHZ": "MHz", "RPM": "/min", "RPS": "/s",
    "MTS": "m/s", "2X": "m/min", "C16": "mm/s", "H81": "mm/min", "MSK": "m/s2",
    "LTR": "L", "MTQ": "m3", "L2": "L/min", "MQH": "m3/h", "KMQ": "kg/m3", "DD": "deg",
    "C81": "rad", "MTK": "m2", "MMK": "mm2", "LUX": "lx", "2N": "dB",
}  # fmt: skip


def to_ucum(unit: ua.EUInformation) -> str | None:
    """Give the UCUM code of a unit: by its UNECE code, else the symbol that the device shows."""
    number = int(unit.UnitId)
    if number > 0:
        text = number.to_bytes(4, "big").lstrip(b"\0").decode("ascii", "replace")
        if text in _UCUM:
            return _UCUM[text]
    symbol = str(unit.DisplayName.Text or "").strip()
    return symbol or None
