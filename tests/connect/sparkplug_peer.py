"""Sparkplug payloads by Google's protobuf runtime: an outside view of the wire format."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
_REPEATED = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_METRIC = (
    ("name", 1, "STRING"),
    ("alias", 2, "UINT64"),
    ("timestamp", 3, "UINT64"),
    ("datatype", 4, "UINT32"),
    ("is_historical", 5, "BOOL"),
    ("is_transient", 6, "BOOL"),
    ("is_null", 7, "BOOL"),
    ("int_value", 10, "UINT32"),
    ("long_value", 11, "UINT64"),
    ("float_value", 12, "FLOAT"),
    ("double_value", 13, "DOUBLE"),
    ("boolean_value", 14, "BOOL"),
    ("string_value", 15, "STRING"),
    ("bytes_value", 16, "BYTES"),
)
_PAYLOAD = (("timestamp", 1, "UINT64"), ("seq", 3, "UINT64"), ("uuid", 4, "STRING"))


def _message_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="sparkplug.proto", package="test", syntax="proto2"
    )
    metric = file.message_type.add(name="Metric")
    payload = file.message_type.add(name="Payload")
    for message, fields in ((metric, _METRIC), (payload, _PAYLOAD)):
        for name, number, kind in fields:
            code = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind}")
            message.field.add(name=name, number=number, type=code, label=_OPTIONAL)
    payload.field.add(
        name="metrics",
        number=2,
        type=descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".test.Metric",
        label=_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Payload"))


PeerPayload = _message_class()


def peer_payload(seq: int | None, *metrics: dict[str, Any], timestamp: int = 1_000) -> bytes:
    """Encode a payload; each metric is a dict of protobuf fields."""
    fields: dict[str, Any] = {"timestamp": timestamp, "metrics": metrics}
    if seq is not None:
        fields["seq"] = seq
    data = PeerPayload(**fields).SerializeToString()
    assert isinstance(data, bytes)
    return data
