"""Reads an order list as spreadsheets write it; a wrong row is told, and the rest goes on."""

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from genba.errors import PlanError
from genba.plan.schedule import LeftOut
from genba.plant import US, Order, Plant, format_time
from genba.plant.checks.report import near

NEEDED = ("id", "product", "quantity", "due")
OPTIONAL = ("release", "weight", "customer")
COLUMNS = (*NEEDED, *OPTIONAL)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,95}")
_DAY_ONLY = re.compile(r"\d{4}-\d\d-\d\d")
_SEPARATORS = (",", ";", "\t")
_MOST_LINES = 20
"""Lines that one quoted field may run over."""


@dataclass(frozen=True, slots=True)
class OrderList:
    """What an order list came to."""

    orders: tuple[Order, ...]
    left_out: tuple[LeftOut, ...] = ()
    """Rows that make no sense, one line each."""
    remarks: tuple[str, ...] = ()
    """What was planned all the same, and deserves a look."""


class _Wrong(Exception):
    """A field that makes no sense: column, what is wrong, the mend."""


def read_orders(path: Path, plant: Plant, now: int) -> OrderList:
    """Read a list of orders.

    Columns, in any order: ``id``, ``product``, ``quantity``, ``due``, and, where wanted,
    ``release`` (default: now), ``weight`` (default 1) and ``customer``. Separated by comma,
    semicolon or tab; UTF-8 with or without a mark, or UTF-16 with one. A time without a zone is
    local time of the plant; a day alone begins at 00:00 as a release, and ends at 24:00 as a due
    date.

    Parameters
    ----------
    path : Path
        The file.
    plant : Plant
        Its products, and its time zone.
    now : int
        Plant time, microseconds UTC; an order due before is planned, and remarked upon.

    Raises
    ------
    PlanError
        If the file cannot be read, is empty, holds no order, or lacks a column.
    """
    lines = re.split(r"\r\n|\n|\r", _text(path))
    records = _records(lines, _separator(lines, path))
    header = next(records, None)
    if header is None:
        raise PlanError(f"{path} is empty; write a line with {','.join(COLUMNS)}, then the orders")
    columns = _columns(path, header)
    reader = _Reader(path, plant, now, columns)
    for record in records:
        reader.take(record)
    if not reader.orders and not reader.left_out:
        raise PlanError(f"{path} names columns, but no order; add a line for each order")
    unused = [name for name in columns if name not in COLUMNS]
    if unused:
        reader.remarks.insert(0, f"{path.name}: not used: column {', '.join(unused)}")
    return OrderList(tuple(reader.orders), tuple(reader.left_out), tuple(reader.remarks))


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    fields: tuple[str, ...]
    trouble: str = ""


class _Reader:
    """Turns records into orders, and remembers which ids there were."""

    def __init__(self, path: Path, plant: Plant, now: int, columns: Sequence[str]) -> None:
        self._path = path
        self._plant = plant
        self._now = now
        self._columns = columns
        self._zone = ZoneInfo(plant.timezone)
        self._seen: dict[str, int] = {}
        self.orders: list[Order] = []
        self.left_out: list[LeftOut] = []
        self.remarks: list[str] = []

    def take(self, record: _Record) -> None:
        """Take one record of the file."""
        if not record.trouble and not any(record.fields):
            return
        if not record.trouble and len(record.fields) > len(self._columns):
            trouble = (
                f"{len(record.fields)} fields where the header names {len(self._columns)} columns; "
                "put a field that holds the separator in quotes"
            )
            record = _Record(record.line, record.fields, trouble)
        values = dict(zip(self._columns, record.fields, strict=False))
        name = values.get("id") or f"line {record.line}"
        if record.trouble:
            self._leave_out(name, record.line, record.trouble)
            return
        found: dict[str, object] = {}
        wrong = []
        for column, read in self._readers().items():
            try:
                found[column] = read(values.get(column, ""))
            except _Wrong as error:
                wrong.append(f"column {column}: {error}")
        if not wrong and name in self._seen:
            wrong = [f"column id: '{name}' stands on line {self._seen[name]} already; rename one"]
        if wrong:
            self._leave_out(name, record.line, "; also ".join(wrong))
            return
        self._seen[name] = record.line
        order = Order.model_validate(found)
        self.orders.append(order)
        self._remark(order, record.line)

    def _readers(self) -> Mapping[str, Callable[[str], object]]:
        return {
            "id": _order_id,
            "product": self._product,
            "quantity": _quantity,
            "release": self._release,
            "due": self._due,
            "weight": _weight,
            "customer": str,
        }

    def _leave_out(self, name: str, line: int, why: str) -> None:
        self.left_out.append(LeftOut(_shown(name)[1:-1], f"{self._path.name}, line {line}, {why}"))

    def _remark(self, order: Order, line: int) -> None:
        where = f"{self._path.name}, line {line}: order {order.id} is due {format_time(order.due)}"
        if order.due <= self._now:
            self.remarks.append(f"{where}, which is past; it is planned, and will be late")
        elif order.due <= order.release:
            at = format_time(order.release)
            self.remarks.append(f"{where}, not after its release at {at}; it will be late")

    def _product(self, text: str) -> str:
        if not text:
            raise _Wrong("there is nothing; write the id of a product")
        if text not in self._plant.products_by_id:
            mend = near(text, self._plant.products_by_id, "product")
            raise _Wrong(f"the plant makes no {_shown(text)}; {mend}")
        return text

    def _release(self, text: str) -> int:
        return self._now if not text else self._time(text, whole_day=False)

    def _due(self, text: str) -> int:
        if not text:
            raise _Wrong("there is nothing; write a time like 2026-01-05T14:00")
        return self._time(text, whole_day=True)

    def _time(self, text: str, whole_day: bool) -> int:
        try:
            moment = dt.datetime.fromisoformat(text)
            if moment.tzinfo is None:
                if whole_day and _DAY_ONLY.fullmatch(text):
                    moment += dt.timedelta(days=1)
                moment = moment.replace(tzinfo=self._zone)
            return round(moment.timestamp() * US)
        except (ValueError, OverflowError):
            raise _Wrong(f"{_shown(text)} is no time; write it like 2026-01-05T14:00") from None


def _shown(text: str) -> str:
    """Quote a field so that it stays on one line, and short."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return f"'{plain}'" if len(plain) <= 40 else f"'{plain[:36]}...'"


def _order_id(text: str) -> str:
    if not text:
        raise _Wrong("there is nothing; give the order an id")
    if not _ID.fullmatch(text):
        raise _Wrong(
            f"{_shown(text)} cannot be an id; use letters, digits and _ . / -, at most 96, "
            "beginning with a letter or digit"
        )
    return text


def _quantity(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) < 1:
        said = f"{_shown(text)} is no number of parts" if text else "there is nothing"
        raise _Wrong(f"{said}; write a whole number from 1 up")
    return int(text)


def _weight(text: str) -> float:
    if not text:
        return 1.0
    try:
        # A decimal comma can only stand in a file whose separator is another one, or in quotes.
        weight = float(text.replace(",", "."))
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise _Wrong(f"{_shown(text)} is no weight; write a number above 0, or nothing for 1")
    return weight


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise PlanError(f"{path} cannot be read: {why}; check the path and its rights") from None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PlanError(
            f"{path}, line {line}: not UTF-8 text; save it as 'CSV UTF-8' (in Excel: Save as)"
        ) from None
    if "\0" in text:
        raise PlanError(f"{path} is no text file; save the list of orders as CSV")
    return text


def _separator(lines: Sequence[str], path: Path) -> str:
    head = next((line for line in lines if line.strip()), "")
    if head.startswith("sep=") and len(head) == 5:
        raise PlanError(f"{path}: the line '{head}' is Excel's own; take it out")
    return max(_SEPARATORS, key=head.count)


def _records(lines: Sequence[str], separator: str) -> Iterator[_Record]:
    """Yield records with the line that each begins on; a broken one does not take others along."""
    at = 0
    while at < len(lines):
        begin, text, at = at, lines[at], at + 1
        end = at
        while text.count('"') % 2 and end < min(len(lines), begin + _MOST_LINES):
            text, end = f"{text}\n{lines[end]}", end + 1
        if text.count('"') % 2:
            trouble = "a quoted field does not end; close it with a quotation mark"
            yield _Record(begin + 1, _unquoted(lines[begin], separator), trouble)
            continue
        at = end
        if not text.strip():
            continue
        try:
            row = next(csv.reader([text], delimiter=separator, strict=True))
        except csv.Error as error:
            trouble = f"it cannot be read as CSV ({error}); correct the quotation marks"
            yield _Record(begin + 1, _unquoted(lines[begin], separator), trouble)
        else:
            yield _Record(begin + 1, tuple(field.strip() for field in row))


def _unquoted(line: str, separator: str) -> tuple[str, ...]:
    return tuple(field.strip(' "') for field in line.split(separator))


def _columns(path: Path, header: _Record) -> list[str]:
    if header.trouble:
        raise PlanError(f"{path}, line {header.line}: {header.trouble}")
    columns = [name.lower() for name in header.fields]
    while columns and not columns[-1]:
        columns.pop()
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        strange = [name for name in columns if name and name not in COLUMNS]
        hints = f" (it has: {', '.join(strange)})" if strange else ""
        raise PlanError(
            f"{path}, line {header.line}: there is no column {', '.join(missing)}{hints}; "
            f"the first line names the columns: {','.join(COLUMNS)}"
        )
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise PlanError(f"{path}, line {header.line}: column {twice} stands twice; keep one")
    return columns
