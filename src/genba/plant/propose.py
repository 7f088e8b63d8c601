"""Proposes a plant file from what a device shows of itself."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genba.errors import PlantError
from genba.plant.device import BrowseEntry
from genba.plant.equipment import Connection
from genba.plant.signal import DataType, Role, SignalKind
from genba.plant.units import parse_unit, suggest_unit

_COUNTERS = re.compile(r"count|total|produced|pieces|energy", re.IGNORECASE)
_STATES = re.compile(
    r"state|status|mode|alarm|error|ready|running|open|closed|order|lot|program", re.IGNORECASE
)
_NUMBERS = frozenset({DataType.INT, DataType.FLOAT})
_WHOLE = frozenset({DataType.INT})
_ROLES = (
    (Role.STATE, r"(packml|machine|current|unit)?state(current)?", _WHOLE),
    (Role.MODE, r"(unit)?mode(current)?", _WHOLE),
    (Role.GOOD_COUNT, r"(good|ok)(count|parts|pieces)", _NUMBERS),
    (Role.SCRAP_COUNT, r"(scrap|bad|nok|reject|defect)(ed)?(count|parts|pieces)", _NUMBERS),
    (Role.ENERGY, r"(total|active)?energy(total|counter)?", _NUMBERS),
)


@dataclass(frozen=True, slots=True)
class _Group:
    """One piece of equipment that is proposed, with what was found below it."""

    id: str
    name: str
    entries: tuple[tuple[str, BrowseEntry], ...]


def propose(
    connection: Connection, entries: Sequence[BrowseEntry], plant_id: str = "my-plant"
) -> str:
    """Write a plant file with one connection, and equipment and signals as they were found.

    Each folder at the top becomes a piece of equipment; folders below it go into the names of its
    signals. Kinds, units and ranges are guessed from what the device says, and marked where they
    want a look. The text loads without errors.

    Raises
    ------
    PlantError
        If nothing was found that can be a signal.
    """
    groups = _groups(connection, [entry for entry in entries if _is_signal(entry)])
    if not groups:
        raise PlantError(
            f"{connection.url} shows nothing that can be a signal; "
            "check the login's rights, or write the signals by hand"
        )
    options = f", options: {json.dumps(connection.options)}" if connection.options else ""
    lines = [
        "# Proposed by genba from what the device shows. Read it through: what ends in '(?)' is",
        "# guessed. Take out what you do not need, then run: genba check plant.yaml",
        "genba: 1",
        f"id: {_quoted(plant_id)}",
        "timezone: UTC  # such as Europe/Lisbon (?)",
        "",
        "connections:",
        f"  - {{id: {_quoted(connection.id)}, driver: {connection.driver}, "
        f"url: {_quoted(connection.url)}{_credentials(connection)}{options}}}",
        "",
        "equipment:",
    ]
    for group in groups:
        lines += _equipment(group, connection.id)
    lines += ["", *_AFTER]
    return "\n".join(lines) + "\n"


_AFTER = (
    "# KPIs need signals with the roles state, good_count and scrap_count, and need to know when",
    "# work is planned: take the signs off these lines, and add calendar: day-shift to equipment.",
    "# calendars:",
    "#   - id: day-shift",
    '#     shifts: [{id: day, days: [mon, tue, wed, thu, fri], start: "06:00", end: "22:00"}]',
    "",
    "# Genba watches and advises until you say otherwise: observe, advise, approve, autonomous.",
    "autonomy:",
    '  - {equipment: "*", kind: "*", level: advise}',
)


def _credentials(connection: Connection) -> str:
    return f", credentials: {_quoted(connection.credentials)}" if connection.credentials else ""


def _is_signal(entry: BrowseEntry) -> bool:
    """Leave out folders, and the server's own namespace (OPC UA 0), which is about itself."""
    return entry.type is not None and not re.match(r"(ns=0;)?[isgb]=", entry.address)


def _groups(connection: Connection, entries: Sequence[BrowseEntry]) -> list[_Group]:
    folders = [_folders(entry) for entry in entries]
    shared = len(_common(folders))
    found: dict[str, list[tuple[str, BrowseEntry]]] = {}
    for entry, parts in zip(entries, folders, strict=True):
        rest = parts[shared:]
        top = rest[0] if rest else (parts[-1] if parts else connection.id)
        name = "_".join((*rest[1:], entry.name))
        found.setdefault(top, []).append((name, entry))
    taken: set[str] = set()
    return [
        _Group(_unique(_word(top, "-"), taken), top, tuple(listed)) for top, listed in found.items()
    ]


def _folders(entry: BrowseEntry) -> tuple[str, ...]:
    """Return the folders above an entry; its path ends in itself."""
    return tuple(part for part in entry.path.split("/") if part)[:-1]


def _common(folders: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    if not folders:
        return ()
    first, last = min(folders), max(folders)
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[:length]


def _word(text: str, joint: str) -> str:
    """Turn a device's name into part of an id: ``MeltTemperature`` to ``melt_temperature``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain)
    return re.sub(r"[^a-z0-9]+", joint, spaced.lower()).strip(joint)[:40] or "unnamed"


def _quoted(text: str) -> str:
    """Write text as a double-quoted scalar of YAML."""
    escaped = []
    for sign in text:
        if sign in '"\\':
            escaped.append("\\" + sign)
        else:
            escaped.append(sign if sign.isprintable() else "\\U" + format(ord(sign), "08x"))
    return '"' + "".join(escaped) + '"'


def _unique(name: str, taken: set[str]) -> str:
    number, result = 2, name
    while result in taken:
        result, number = f"{name}_{number}", number + 1
    taken.add(result)
    return result


def _equipment(group: _Group, connection: str) -> Iterable[str]:
    yield f"  - id: {_quoted(group.id)}"
    yield f"    name: {_quoted(group.name)}"
    yield '    kind: ""  # such as injection_press, cnc_mill, furnace (?)'
    yield f"    connection: {_quoted(connection)}"
    yield "    signals:"
    taken: set[str] = set()
    roles: set[Role] = set()
    for name, entry in group.entries:
        yield _signal(_unique(_word(name, "_"), taken), entry, roles)


def _signal(name: str, entry: BrowseEntry, roles: set[Role]) -> str:
    kind, doubts = _kind(entry)
    data_type = DataType(entry.type or DataType.FLOAT)
    fields = {
        "id": _quoted(name),
        "kind": kind.value,
        "type": data_type.value,
        "address": _quoted(entry.address),
    }
    if data_type in _NUMBERS:
        unit, doubt = _unit(entry)
        fields["unit"] = _quoted(unit)
        doubts += doubt
        if entry.low is not None and entry.high is not None and entry.low < entry.high:
            fields["range"] = f"{{low: {entry.low!r}, high: {entry.high!r}}}"
        elif kind is SignalKind.SETPOINT:
            doubts.append("add range: {low: , high: }")
    role = _role(entry, kind, data_type)
    if role is not None and role not in roles:
        roles.add(role)
        doubts.append(f"role: {role.value}")
    written = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return f"      - {{{written}}}" + (f"  # {', '.join(doubts)} (?)" if doubts else "")


def _kind(entry: BrowseEntry) -> tuple[SignalKind, list[str]]:
    if entry.writable:
        return SignalKind.SETPOINT, []
    match entry.type:
        case DataType.BOOL | DataType.STRING:
            return SignalKind.STATE, []
        case DataType.JSON:
            return SignalKind.EVENT, []
    if _COUNTERS.search(entry.name):
        return SignalKind.COUNTER, ["a counter"]
    if entry.type == DataType.INT and _STATES.search(entry.name):
        return SignalKind.STATE, ["a state"]
    return SignalKind.MEASUREMENT, []


def _unit(entry: BrowseEntry) -> tuple[str, list[str]]:
    """Return a unit that is known, and a remark where it is not what the device says."""
    told = (entry.unit or "").strip()
    if not told:
        return "1", ["unit"] if entry.type == DataType.FLOAT else []
    try:
        return parse_unit(told).text, []
    except PlantError:
        better = suggest_unit(told)
    said = "".join(c if c.isprintable() else "?" for c in told)[:30]
    return (better, [f"the device says '{said}'"]) if better else ("1", [f"unit is '{said}'"])


def _role(entry: BrowseEntry, kind: SignalKind, data_type: DataType) -> Role | None:
    if kind is SignalKind.SETPOINT:
        return None
    plain = re.sub(r"[^a-z]", "", entry.name.lower())
    for role, pattern, types in _ROLES:
        if data_type in types and re.fullmatch(pattern, plain):
            return role
    return None
