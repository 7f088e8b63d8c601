"""YAML with positions: plain data, and the line of everything in it.

Scalars resolve as in the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2, 10.3.2): ``no``,
``on`` and ``06:00`` are text, and dates stay text. Keys are text and stand once. Anchors and
aliases work; tags, merge keys and a second document are refused. What a file can cost is bounded:
its size, its depth, and its number of values with all aliases written out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from genba.errors import PlantError

MAX_BYTES = 16_000_000
MAX_DEPTH = 40
MAX_VALUES = 2_000_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, eq=False)
class Source:
    """A value with its place. ``keys`` holds the line of each key of a mapping."""

    line: int
    value: "str | int | float | bool | list[Source] | dict[str, Source] | None"
    keys: dict[str, int] | None = None

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """Line of the value at a path, or of the nearest thing above it that there is."""
        line, here = self.line, self
        for step in path:
            if isinstance(step, str) and isinstance(here.value, dict) and step in here.value:
                line = (here.keys or {}).get(step, line)
                here = here.value[step]
            elif isinstance(step, int) and isinstance(here.value, list) and step < len(here.value):
                here = here.value[step]
                line = here.line
            else:
                break
        return line


PLANT_FILE = "give the path of a plant file, or make one with: genba init DIR"


def read_yaml(path: Path, mend: str = PLANT_FILE) -> tuple[Any, Source]:
    """Read a file as plain data and as a tree of positions; ``mend`` tells where to get one.

    Raises
    ------
    PlantError
        ``file:line: what; mend``.
    """
    name = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlantError(
                f"{name}: the file is larger than {MAX_BYTES // 1_000_000} MB; "
                "leave recordings and order archives out of it"
            )
        content = path.read_bytes()
    except OSError as error:
        raise PlantError(f"{name}: cannot be read: {error.strerror}; {mend}") from None
    return parse_yaml(content, name)


def parse_yaml(content: bytes | str, name: str = "plant.yaml") -> tuple[Any, Source]:
    """Parse YAML as plain data and as a tree of positions; ``name`` begins the errors.

    Raises
    ------
    PlantError
        ``name:line: what; mend``.
    """
    try:
        source = _Composer(name, yaml.parse(content, Loader=_Loader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        if "nesting depth" in str(error.problem):  # the parser's own bound, reached before ours
            raise PlantError(f"{name}:{line}: this is nested too deep; flatten it") from None
        raise PlantError(f"{name}:{line}: this is not valid YAML: {_reason(error)}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())
        raise PlantError(f"{name}: this is not valid YAML: {text}; save it as UTF-8 text") from None
    return _Writer(name).data(source), source


def _reason(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    if "\\t" in problem or "start any token" in problem:
        return (
            "a tab, or a sign that begins no text (such as @ or %); "
            "indent with spaces, and quote text that begins with such a sign"
        )
    if "mapping values are not allowed" in problem:
        return f"{problem}; quote text that holds ': ', and check the indentation"
    context = f" {error.context}" if error.context else ""
    if error.context_mark is not None:
        context += f" that begins in line {error.context_mark.line + 1}"
    return f"{problem}{context}; check brackets, quotes and indentation here and just above"


class _Composer:
    """Builds the tree of one document from the parser's events, without recursion."""

    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self._name = name
        self._events = events
        self._anchors: dict[str, Source] = {}
        self._open: list[tuple[Source, str | None]] = []
        self._root: Source | None = None

    def document(self) -> Source:
        for event in self._events:
            line = event.start_mark.line + 1
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event, line)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._begin(event, line)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._open.pop()
                case yaml.AliasEvent():
                    self._alias(event, line)
                case yaml.DocumentStartEvent() if self._root is not None:
                    raise self._error(line, "a second document begins here", "keep one per file")
                case _:
                    pass
        return self._root or Source(1, None)

    def _error(self, line: int, what: str, mend: str) -> PlantError:
        return PlantError(f"{self._name}:{line}: {what}; {mend}")

    def _scalar(self, event: Any, line: int) -> None:
        if self._expects_key():
            self._key(event.value, line)
            return
        self._no_tag(event, line)
        plain = event.implicit[0] and event.tag is None
        try:
            value = _resolve(event.value) if plain else event.value
        except ValueError:
            raise self._error(line, "a number has too many digits", "quote it as text") from None
        self._add(Source(line, value), event.anchor)

    def _begin(self, event: Any, line: int) -> None:
        if self._expects_key():
            raise self._error(line, "a key is a list or a mapping", "use plain text as key")
        self._no_tag(event, line)
        if len(self._open) >= MAX_DEPTH:
            raise self._error(line, f"this is nested more than {MAX_DEPTH} deep", "flatten it")
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = Source(line, {}, {}) if mapping else Source(line, [])
        self._add(node, event.anchor)
        self._open.append((node, None))

    def _alias(self, event: Any, line: int) -> None:
        if self._expects_key():
            raise self._error(line, f"*{event.anchor} stands as a key", "write the key out")
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._error(line, f"*{event.anchor} has no anchor", f"add &{event.anchor} above")
        if any(node is above for above, _ in self._open):
            raise self._error(line, f"*{event.anchor} holds itself", "write the value out")
        self._add(node, None)

    def _no_tag(self, event: Any, line: int) -> None:
        if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
            raise self._error(line, f"the tag {event.tag} is not used here", "leave it out")

    def _expects_key(self) -> bool:
        return (
            bool(self._open) and isinstance(self._open[-1][0].value, dict) and not self._open[-1][1]
        )

    def _key(self, key: str, line: int) -> None:
        node = self._open[-1][0]
        assert isinstance(node.value, dict)  # noqa: S101 - _expects_key saw to it
        assert node.keys is not None  # noqa: S101 - every mapping has them
        if key in node.value:
            raise self._error(
                line, f"'{key}' stands here and in line {node.keys[key]}", "keep one of the two"
            )
        if key in {"", "<<"}:
            what = "merge keys (<<) are not used here" if key else "a key is empty"
            raise self._error(line, what, "write the fields out")
        node.keys[key] = line
        self._open[-1] = (node, key)

    def _add(self, node: Source, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        parent, key = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif isinstance(parent.value, dict) and key is not None:
            parent.value[key] = node
            self._open[-1] = (parent, None)


class _Writer:
    """Writes a tree out as plain data, aliases included, as far as the bound goes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = MAX_VALUES

    def data(self, source: Source) -> Any:
        self._left -= 1
        if self._left < 0:
            raise PlantError(
                f"{self._name}:{source.line}: with its aliases the file has more than "
                f"{MAX_VALUES:,} values; write out fewer of them"
            )
        value = source.value
        if isinstance(value, dict):
            return {key: self.data(child) for key, child in value.items()}
        if isinstance(value, list):
            return [self.data(child) for child in value]
        return value


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


def _resolve(text: str) -> str | int | float | bool | None:
    """Give a plain scalar its type."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[0].isdigit() and text[0] not in "+-.":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
