"""Our Sparkplug payloads are protobuf's, and garbage is refused, never a crash."""

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.sparkplug_peer import PeerPayload, peer_payload

from genba.connect import sparkplug_payload
from genba.connect.sparkplug_node import EdgeNode
from genba.connect.sparkplug_order import Rebirth
from genba.connect.sparkplug_payload import (
    DataType,
    Metric,
    Payload,
    decode,
    encode,
    value_of,
)
from genba.plant import Quality

SIGNED = {DataType.INT8: 7, DataType.INT16: 15, DataType.INT32: 31, DataType.INT64: 63}
UNSIGNED = {
    DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64,
}  # fmt: skip

REALS = (DataType.FLOAT, DataType.DOUBLE)
TEXTS = (DataType.STRING, DataType.TEXT, DataType.UUID)


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[DataType, Any]:
    kind = draw(st.sampled_from([*SIGNED, *UNSIGNED, *REALS, DataType.BOOLEAN, *TEXTS]))
    if kind in SIGNED:
        most = 2 ** SIGNED[kind]
        return kind, draw(st.integers(-most, most - 1))
    if kind in UNSIGNED:
        return kind, draw(st.integers(0, 2 ** UNSIGNED[kind] - 1))
    if kind is DataType.FLOAT:
        return kind, draw(st.floats(width=32, allow_nan=False))
    if kind is DataType.DOUBLE:
        return kind, draw(st.floats(allow_nan=False))
    if kind is DataType.BOOLEAN:
        return kind, draw(st.booleans())
    return kind, draw(st.text(st.characters(codec="utf-8"), max_size=20))


metrics = st.builds(
    lambda typed, name, alias, time: Metric(name, alias, time, typed[0], raw=typed[1]),
    typed_values(),
    st.none() | st.text(st.characters(codec="utf-8"), max_size=20),
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.integers(0, 253_402_300_799_999),
)


@given(metric=metrics, seq=st.integers(0, 255))
def test_what_we_write_we_and_protobuf_read(metric: Metric, seq: int) -> None:
    data = encode(Payload(5, seq, (metric,)))
    [ours] = decode(data).metrics
    assert value_of(ours.raw, ours.datatype) == metric.raw
    assert (ours.name, ours.alias, ours.timestamp_ms) == (
        metric.name, metric.alias, metric.timestamp_ms,
    )  # fmt: skip
    peer = PeerPayload.FromString(data)
    assert (peer.timestamp, peer.seq) == (5, seq)
    assert (peer.metrics[0].name, peer.metrics[0].alias) == (metric.name or "", metric.alias or 0)
    assert peer.SerializeToString() is not None


@pytest.mark.parametrize(
    ("datatype", "field", "sent", "expected"),
    [
        (DataType.INT8, "int_value", 0xFFFFFFFB, -5),
        (DataType.INT8, "int_value", 0xFB, -5),
        (DataType.INT32, "int_value", 2**32 - 70_000, -70_000),
        (DataType.INT64, "long_value", 2**64 - 1, -1),
        (DataType.UINT32, "long_value", 2**32 - 1, 2**32 - 1),
        (DataType.UINT64, "long_value", 2**64 - 1, 2**64 - 1),
        (DataType.FLOAT, "float_value", 0.5, 0.5),
        (DataType.DOUBLE, "double_value", 0.1, 0.1),
        (DataType.BOOLEAN, "boolean_value", True, True),
        (DataType.STRING, "string_value", "löten", "löten"),
        (DataType.DATETIME, "long_value", 1_700_000_000_000, 1_700_000_000_000),
    ],
)
def test_we_read_what_protobuf_wrote(
    datatype: DataType, field: str, sent: Any, expected: Any
) -> None:
    metric = {"name": "x", "alias": 3, "timestamp": 77, "datatype": datatype, field: sent}
    payload = decode(peer_payload(9, metric, {"name": "none", "is_null": True}))
    assert (payload.timestamp_ms, payload.seq) == (1_000, 9)
    assert payload.metrics[0].timestamp_ms == 77
    assert value_of(payload.metrics[0].raw, payload.metrics[0].datatype) == expected
    assert payload.metrics[1].is_null


@given(data=st.binary(max_size=300))
def test_garbage_is_a_payload_or_a_value_error(data: bytes) -> None:
    try:
        payload = decode(data)
    except ValueError:
        return
    for metric in payload.metrics:
        try:
            value = value_of(metric.raw, metric.datatype)
        except ValueError:
            continue
        assert isinstance(value, bool | int | float | str)


@given(data=st.data(), cut=st.integers(0, 60))
def test_a_payload_that_was_cut_or_changed_never_crashes_the_node(
    data: st.DataObject, cut: int
) -> None:
    whole = bytearray(
        peer_payload(
            0,
            {"name": "bdSeq", "datatype": 4, "long_value": 1},
            {"name": "t", "alias": 1, "datatype": 10, "double_value": 20.5},
        )
    )
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    node = EdgeNode()
    for _ in range(2):
        try:
            payload = decode(bytes(whole[: len(whole) - cut]))
            node.node_birth(payload)
            node.data("", payload)
        except (ValueError, Rebirth):
            continue


@pytest.mark.parametrize(
    ("metric", "part"),
    [
        (Metric("x", datatype=DataType.INT8, raw=200), "200 does not fit INT8"),
        (Metric("x", datatype=DataType.UINT32, raw=-1), "-1 does not fit UINT32"),
        (Metric("x", datatype=DataType.INT32, raw=True), "True does not fit INT32"),
        (Metric("x", datatype=DataType.FLOAT, raw=1e39), "does not fit FLOAT"),
        (Metric("x", datatype=DataType.BOOLEAN, raw=1), "1 does not fit BOOLEAN"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(metric: Metric, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        encode(Payload(metrics=(metric,)))


def test_infinity_travels_and_is_sorted_out_later() -> None:
    [metric] = decode(peer_payload(0, {"name": "x", "double_value": math.inf})).metrics
    assert value_of(metric.raw, DataType.DOUBLE) == math.inf


@pytest.mark.parametrize(
    ("datatype", "data", "expected"),
    [
        (DataType.BYTES, b"\x00\xff", "AP8="),
        (DataType.FILE, b"", ""),
        (DataType.INT8_ARRAY, b"\xff\x01", "[-1,1]"),
        (DataType.UINT16_ARRAY, struct.pack("<2H", 1, 65_535), "[1,65535]"),
        (DataType.INT64_ARRAY, struct.pack("<q", -5), "[-5]"),
        (DataType.FLOAT_ARRAY, struct.pack("<2f", 0.5, math.nan), "[0.5,null]"),
        (DataType.BOOLEAN_ARRAY, b"\x0a\x00\x00\x00\xc0\x40",
         "[true,true,false,false,false,false,false,false,false,true]"),
        (DataType.STRING_ARRAY, "rot\0grün\0".encode(), '["rot","gr\\u00fcn"]'),
        (DataType.DATETIME_ARRAY, struct.pack("<q", 1_700_000_000_000), "[1700000000000]"),
    ],
)  # fmt: skip
def test_bytes_become_base64_and_arrays_json(
    datatype: DataType, data: bytes, expected: str
) -> None:
    [metric] = decode(peer_payload(0, {"name": "x", "bytes_value": data})).metrics
    assert value_of(metric.raw, datatype) == expected


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        (DataType.INT32_ARRAY, b"\x00" * 5),
        (DataType.BOOLEAN_ARRAY, b"\xff\xff\xff\xff\x00"),
        (DataType.BOOLEAN_ARRAY, b"\x01"),
        (DataType.STRING_ARRAY, b"\xff\x00"),
        (DataType.DATASET, b""),
    ],
)
def test_bytes_that_are_no_such_array_are_refused(datatype: DataType, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"array|sent as|decode"):
        value_of(data, datatype)


def test_data_sets_and_templates_become_json() -> None:
    rows = [{"elements": [{"int_value": 2**32 - 7}, {"string_value": "a"}]}]
    table = {"columns": ["n", "name"], "types": [DataType.INT32, DataType.STRING], "rows": rows}
    inner = {"name": "t", "datatype": DataType.DOUBLE, "double_value": 1.5}
    template = {
        "template_ref": "Motor",
        "metrics": [inner, {"name": "gone", "datatype": DataType.INT8, "is_null": True}],
        "parameters": [{"name": "poles", "type": DataType.UINT8, "int_value": 4}],
    }
    payload = decode(
        peer_payload(
            0,
            {"name": "table", "datatype": DataType.DATASET, "dataset_value": table},
            {"name": "motor", "datatype": DataType.TEMPLATE, "template_value": template},
        )
    )
    texts = [value_of(metric.raw, metric.datatype) for metric in payload.metrics]
    assert [json.loads(str(text)) for text in texts] == [
        {"columns": ["n", "name"], "rows": [[-7, "a"]]},
        {"template": "Motor", "metrics": {"t": 1.5, "gone": None}, "parameters": {"poles": 4}},
    ]


@pytest.mark.parametrize(
    ("code", "quality"),
    [(0, Quality.BAD), (192, Quality.GOOD), (500, Quality.UNCERTAIN), (7, Quality.UNCERTAIN)],
)
def test_the_quality_property_counts(code: int, quality: Quality) -> None:
    properties = {"keys": ["unit", "Quality"], "values": [{"string_value": "K"}, {"type": 3}]}
    properties["values"][1]["int_value"] = code  # type: ignore[index]
    metric = {"name": "x", "datatype": 10, "double_value": 1.0, "properties": properties}
    assert decode(peer_payload(0, metric)).metrics[0].quality is quality


def test_flags_and_quality_that_we_write_are_read_by_protobuf() -> None:
    metric = Metric("x", 1, 2, DataType.BOOLEAN, True, True, False, Quality.BAD, False)
    data = encode(Payload(5, 1, (metric,)))
    assert decode(data).metrics == (metric,)
    peer = PeerPayload.FromString(data).metrics[0]
    assert (peer.is_historical, peer.is_transient, peer.is_null) == (True, True, False)
    assert peer.properties.values[0].int_value == 0


def test_templates_too_deep_and_payloads_too_large_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner: dict[str, Any] = {"name": "x", "datatype": 3, "int_value": 1}
    for _ in range(sparkplug_payload.MOST_DEPTH):
        inner = {"name": "t", "datatype": 19, "template_value": {"metrics": [inner]}}
    assert decode(peer_payload(0, inner)).metrics
    inner = {"name": "t", "datatype": 19, "template_value": {"metrics": [inner]}}
    with pytest.raises(ValueError, match="8 deep"):
        decode(peer_payload(0, inner))
    with pytest.raises(ValueError, match="more than 50,000 parts"):
        decode(b"\x12\x00" * 50_001)
    monkeypatch.setattr(sparkplug_payload, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="11 bytes"):
        decode(b"\x08\x00" * 5 + b"\x08")
