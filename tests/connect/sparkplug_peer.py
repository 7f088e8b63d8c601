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
_VALUES = (
    ("int_value", "UINT32"),
    ("long_value", "UINT64"),
    ("float_value", "FLOAT"),
    ("double_value", "DOUBLE"),
    ("boolean_value", "BOOL"),
    ("string_value", "STRING"),
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
    _message(payload, "metrics", 2, "Metric", repeated=True)
    _add_compounds(file, metric)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Payload"))


def _message(owner: Any, name: str, number: int, kind: str, repeated: bool = False) -> None:
    code = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    label = _REPEATED if repeated else _OPTIONAL
    owner.field.add(name=name, number=number, type=code, type_name=f".test.{kind}", label=label)


def _scalar(owner: Any, name: str, number: int, kind: str, repeated: bool = False) -> None:
    code = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind}")
    label = _REPEATED if repeated else _OPTIONAL
    owner.field.add(name=name, number=number, type=code, label=label)


def _values(owner: Any, first: int) -> None:
    for offset, (name, kind) in enumerate(_VALUES):
        _scalar(owner, name, first + offset, kind)


def _add_compounds(file: Any, metric: Any) -> None:
    """Property sets, data sets and templates, as sparkplug_b.proto has them."""
    prop = file.message_type.add(name="PropertyValue")
    _scalar(prop, "type", 1, "UINT32")
    _values(prop, 3)
    props = file.message_type.add(name="PropertySet")
    _scalar(props, "keys", 1, "STRING", repeated=True)
    _message(props, "values", 2, "PropertyValue", repeated=True)
    cell = file.message_type.add(name="Cell")
    _values(cell, 1)
    row = file.message_type.add(name="Row")
    _message(row, "elements", 1, "Cell", repeated=True)
    table = file.message_type.add(name="DataSet")
    _scalar(table, "num_of_columns", 1, "UINT64")
    _scalar(table, "columns", 2, "STRING", repeated=True)
    _scalar(table, "types", 3, "UINT32", repeated=True)
    _message(table, "rows", 4, "Row", repeated=True)
    parameter = file.message_type.add(name="Parameter")
    _scalar(parameter, "name", 1, "STRING")
    _scalar(parameter, "type", 2, "UINT32")
    _values(parameter, 3)
    template = file.message_type.add(name="Template")
    _scalar(template, "version", 1, "STRING")
    _message(template, "metrics", 2, "Metric", repeated=True)
    _message(template, "parameters", 3, "Parameter", repeated=True)
    _scalar(template, "template_ref", 4, "STRING")
    _message(metric, "properties", 9, "PropertySet")
    _message(metric, "dataset_value", 17, "DataSet")
    _message(metric, "template_value", 18, "Template")


PeerPayload = _message_class()


def peer_payload(seq: int | None, *metrics: dict[str, Any], timestamp: int = 1_000) -> bytes:
    """Encode a payload; each metric is a dict of protobuf fields."""
    fields: dict[str, Any] = {"timestamp": timestamp, "metrics": metrics}
    if seq is not None:
        fields["seq"] = seq
    data = PeerPayload(**fields).SerializeToString()
    assert isinstance(data, bytes)
    return data
