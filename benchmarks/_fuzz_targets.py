"""What is fuzzed: each decoder with real messages to begin with, and what may come out of it."""

import json
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from genba.connect.conversion import to_device, to_plant
from genba.connect.modbus_address import decode as decode_words
from genba.connect.modbus_address import encode as encode_words
from genba.connect.modbus_address import parse_address as parse_modbus
from genba.connect.sparkplug_host import read_state
from genba.connect.sparkplug_node import EdgeNode
from genba.connect.sparkplug_order import InOrder, Rebirth
from genba.connect.sparkplug_payload import DataType, Metric, Payload, decode, encode
from genba.connect.vda5050_address import extract
from genba.connect.vda5050_address import parse_address as parse_vda
from genba.connect.vda5050_message import (
    Arrivals,
    actions_outcome,
    check_sender,
    order_outcome,
    parse_body,
    parse_message,
)
from genba.errors import GenbaError
from genba.plant import DataType as PlantType
from genba.plant import Scalar, Signal, SignalKind, parse_time
from genba.plant.expression import parse_expression
from genba.plant.load import examine_text
from genba.plant.yaml_source import parse_yaml


@dataclass(frozen=True, slots=True)
class Target:
    """A decoder under test: ``one`` raises only what is a defect."""

    name: str
    one: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    longest: int = 4096
    """Bytes of the longest input."""


# -- Sparkplug --------------------------------------------------------------------------------


def _sparkplug(data: bytes) -> None:
    """Play a few messages, cut out of the input, to a host's view of a node."""
    read_state(data)
    node, line = EdgeNode(), InOrder[Payload]()
    for number, piece in enumerate(data.split(b"\xfe\xfe")[:6]):
        try:
            payload = decode(piece)
        except ValueError:
            continue
        try:
            if number == 0:
                line.begin(payload.seq)
                node.node_birth(payload)
                node.device_birth("d", payload)
                continue
            for message in [*line.take(payload.seq, payload), *line.give_up()[0]]:
                node.data("", message)
                node.data("d", message)
        except Rebirth:
            continue
        finally:
            _check_scalars(update.value for update in node.values.values())
            node.death_of_node(payload)


def _check_scalars(values: Iterable[Scalar]) -> None:
    for value in values:
        assert value is None or isinstance(value, bool | int | float | str), repr(value)


def _sparkplug_seeds() -> Iterable[bytes]:
    metrics = (
        Metric("bdSeq", datatype=DataType.UINT64, raw=3),
        Metric("Hall/Temperature", 1, 1_700_000_000_000, DataType.DOUBLE, raw=21.5),
        Metric("Count", 2, None, DataType.INT32, raw=-3),
        Metric("Name", 3, None, DataType.STRING, raw="mill"),
        Metric("On", 4, None, DataType.BOOLEAN, True, True, raw=False),
        Metric("Gone", 5, None, DataType.INT8, is_null=True),
    )
    birth = encode(Payload(1_700_000_000_000, 0, metrics))
    later = encode(Payload(1, 1, (Metric(alias=1, datatype=DataType.DOUBLE, raw=1.0),)))
    # A data set, a template in a template and an array, as Google's protobuf writes them.
    table = bytes.fromhex(
        "0a057461626c652010 8a011f 0802 12016e 12046e616d65 1803 180c"
        "220e 0a0608f9ffffff0f 0a0432026f6b".replace(" ", "")
    )
    array = b"\x0a\x01a\x20\x16\x82\x01\x04\xff\x00\x01\x02"
    inner = b"\x0a\x01m\x20\x0a\x69\x00\x00\x00\x00\x00\x00\xf8\x3f"
    template = b"\x0a\x01t\x20\x13\x92\x01" + bytes([len(inner) + 5]) + b"\x12"
    template += bytes([len(inner)]) + inner + b"\x22\x01M"
    quality = (
        b"\x0a\x01q\x20\x03\x50\x07\x4a\x12\x0a\x07Quality\x12\x07\x08\x03\x18\xc0\x01\x22\x00"
    )
    compound = b"".join(b"\x12" + bytes([len(m)]) + m for m in (table, array, template, quality))
    yield birth
    yield b"\xfe\xfe".join([birth, later, encode(Payload(2, 3, metrics[:2])), later])
    yield compound
    yield b"\xfe\xfe".join([compound, compound])
    yield json.dumps({"online": True, "timestamp": 1_700_000_000_000}).encode()


# -- VDA 5050 ---------------------------------------------------------------------------------

_TOPICS = ("state", "connection", "factsheet")
_POINTERS = (
    "state:/lastNodeId",
    "state:/nodeStates#",
    "state:/loads/*/loadId",
    "state:/actionStates",
    "state:/errors/*/errorReferences/*/referenceKey",
    "state:/batteryState/batteryCharge",
    "connection:/connectionState",
)


@cache
def _vda_signals() -> list[tuple[Signal, object]]:
    kinds = (PlantType.STRING, PlantType.JSON, PlantType.FLOAT, PlantType.INT, PlantType.BOOL)
    signals = [_signal(pointer, kind, SignalKind.STATE) for pointer in _POINTERS for kind in kinds]
    return [(signal, parse_vda(signal)) for signal in signals]


def _signal(address: str, kind: PlantType, what: SignalKind, scale: float = 1.0) -> Signal:
    return Signal.model_validate(
        {
            "id": "x.s",
            "equipment": "x",
            "connection": "c",
            "address": address,
            "type": kind,
            "kind": what,
            "scale": scale,
        }
    )


def _vda5050(data: bytes) -> None:
    """Read a message as the driver does; the first byte chooses topic and version."""
    if not data:
        return
    topic, major = _TOPICS[data[0] % 3], 2 + data[0] // 3 % 2
    payload = data[1:]
    try:
        message = parse_message(major, topic, payload)
        check_sender(message, "Acme", "7")
        Arrivals().take(topic, message["headerId"], parse_time(message["timestamp"]))
    except (ValueError, GenbaError):
        _body(payload)
        return
    for signal, address in _vda_signals():
        try:
            to_plant(signal, extract(address, message))  # type: ignore[arg-type]
        except GenbaError:
            continue
    if topic == "state":
        order_outcome({"orderId": "o", "orderUpdateId": 0}, message)(message)
        actions_outcome({"actions": [{"actionId": "a"}]}, message)(message)


def _body(payload: bytes) -> None:
    try:
        parse_body(payload.decode("utf-8", "replace"))
    except ValueError:
        return


def _vda_seeds() -> Iterable[bytes]:
    header = {"headerId": 1, "timestamp": "2026-01-05T06:00:00.250Z", "version": "2.1.0",
              "manufacturer": "Acme", "serialNumber": "7"}  # fmt: skip
    error = {"errorType": "orderError", "errorLevel": "WARNING",
             "errorReferences": [{"referenceKey": "orderId", "referenceValue": "o"}]}  # fmt: skip
    state = {
        "orderId": "o", "orderUpdateId": 0, "lastNodeId": "N1", "lastNodeSequenceId": 0,
        "nodeStates": [{"nodeId": "N2", "sequenceId": 2, "released": True}], "edgeStates": [],
        "driving": False, "actionStates": [{"actionId": "a", "actionStatus": "FINISHED"}],
        "loads": [{"loadId": "L"}], "operatingMode": "AUTOMATIC", "errors": [error],
        "batteryState": {"batteryCharge": 80.5, "charging": False},
        "safetyState": {"eStop": "NONE", "fieldViolation": False},
    }  # fmt: skip
    three = {key: value for key, value in state.items() if key != "batteryState"}
    three |= {"instantActionStates": [], "powerSupply": {"stateOfCharge": 80.5, "charging": False},
              "safetyState": {"activeEmergencyStop": "NONE", "fieldViolation": False}}  # fmt: skip
    yield b"\x00" + json.dumps({**header, **state}).encode()
    yield b"\x03" + json.dumps({**header, **three, "version": "3.0.0"}).encode()
    yield b"\x01" + json.dumps({**header, "connectionState": "ONLINE"}).encode()


# -- Modbus -----------------------------------------------------------------------------------


def _modbus(data: bytes) -> None:
    """Read an address, then the registers behind it, and write the value back."""
    text, _, rest = data.partition(b"\n")
    choice, words = rest[:1], rest[1:]
    number = choice[0] if choice else 0
    kind = list(PlantType)[number % 5]
    setpoint = SignalKind.SETPOINT if number & 0x40 else SignalKind.STATE
    try:
        signal = _signal(text.decode("utf-8", "replace"), kind, setpoint, (1.0, 0.1)[number >> 7])
    except ValueError:
        return  # pydantic refuses it when the plant file is read
    order = "little" if number & 0x20 else "big"
    try:
        address = parse_modbus(signal)
        count = address.count
        registers = list(struct.unpack(f">{count}H", words[: 2 * count].ljust(2 * count, b"\0")))
        value, _quality = to_plant(signal, decode_words(address, registers, order))
        if value is not None:
            written = encode_words(signal, address, to_device(signal, value), order)
            assert all(0 <= word <= 0xFFFF for word in written), written
    except GenbaError:
        return


def _modbus_seeds() -> Iterable[bytes]:
    places = ("holding:100:float32", "input:10", "coil:3", "holding:7:bit12", "holding:9:int64",
              "holding:20:string4", "discrete:4", "holding:0:float64")  # fmt: skip
    for number, place in enumerate(places):
        for choice in (number % 5, 0x40 + number % 5, 0xA0 + number % 5):
            yield place.encode() + b"\n" + bytes([choice]) + b"ABCD\x00\x01\x7f\x80"


# -- plant files and expressions --------------------------------------------------------------


def _yaml(data: bytes) -> None:
    for read in (parse_yaml, lambda held: examine_text(held.decode("utf-8", "replace"))):
        try:
            read(data)
        except GenbaError:
            continue


def _yaml_seeds() -> Iterable[bytes]:
    template = files("genba.plant").joinpath("template.yaml").read_bytes()
    yield template
    yield b"genba: 1\nid: w\nconnections: [{id: c, driver: opcua, url: 'opc.tcp://x'}]\n"
    yield b"genba: 1\nid: w\nequipment: &e\n  - {id: a, signals: [{id: s, address: b}]}\nx: *e\n"
    yield from (template[start : start + 1500] for start in range(0, len(template), 1500))


_VALUES: dict[str, Scalar] = {
    "value": 3.5, "cell-1.people": 0, "mill.on": True, "mill.name": "x", "none": None,
    "big": 2**70, "nan": float("nan"),
}  # fmt: skip


def _expression(data: bytes) -> None:
    try:
        expression = parse_expression(data.decode("utf-8", "replace"))
    except GenbaError:
        return
    for values in (_VALUES, dict.fromkeys(expression.names, 1.5)):
        try:
            _check_scalars([expression.evaluate(values)])
        except GenbaError:
            continue


def _expression_seeds() -> Iterable[bytes]:
    yield b"cell-1.people > 0 and not mill.on"
    yield b"value - 2 * (big + 1) / value >= -1.5e3 or mill.name == 'x'"
    yield b"value * value * value < nan == false"
    yield b"not not (((true)))"


TARGETS = {
    target.name: target
    for target in (
        Target("sparkplug", _sparkplug, _sparkplug_seeds),
        Target("vda5050", _vda5050, _vda_seeds),
        Target("modbus", _modbus, _modbus_seeds, 512),
        Target("yaml", _yaml, _yaml_seeds, 8192),
        Target("expression", _expression, _expression_seeds, 1200),
    )
}
