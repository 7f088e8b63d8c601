"""The fast decoder reads what asyncua writes: decode(encode(x)) == x for every kind of value."""

import datetime as dt
import math
import uuid

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from genba.connect.opcua.notification import decode_publish, decode_republish
from genba.errors import DeviceError

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
INTS = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}

scalars = st.one_of(
    st.builds(ua.Variant, st.booleans(), st.just(ua.VariantType.Boolean)),
    st.builds(ua.Variant, st.floats(), st.just(ua.VariantType.Double)),
    st.builds(ua.Variant, st.floats(width=32), st.just(ua.VariantType.Float)),
    st.builds(ua.Variant, st.none() | st.text(max_size=40), st.just(ua.VariantType.String)),
    *[
        st.builds(ua.Variant, st.integers(low, high), st.just(kind))
        for kind, (low, high) in INTS.items()
    ],
)
others = st.one_of(
    st.just(ua.Variant(ua.LocalizedText("läuft", "de"))),
    st.just(ua.Variant([1, 2, 3], ua.VariantType.Int32)),
    st.just(ua.Variant(dt.datetime(2026, 1, 5, tzinfo=dt.UTC))),
    st.just(ua.Variant(uuid.UUID(int=7))),
    st.just(ua.Variant(None, ua.VariantType.Null)),
)
times = st.none() | st.integers(0, 4_000_000_000_000_000)
statuses = st.sampled_from([None, 0, 0x40900000, 0x80000000, 0x00000480])


@st.composite
def items(draw):
    when = draw(times)
    server = draw(st.booleans())
    code = draw(statuses)
    value = ua.DataValue(
        draw(st.one_of(scalars, others)),
        None if code is None else ua.StatusCode(code),
        SourceTimestamp=None if when is None else EPOCH + dt.timedelta(microseconds=when),
        ServerTimestamp=EPOCH if server else None,
    )
    item = ua.MonitoredItemNotification(ClientHandle=draw(st.integers(0, 2**32 - 1)), Value=value)
    return item, when, code


def response(found, subscription=7, sequence=3):
    message = ua.NotificationMessage(SequenceNumber=sequence, PublishTime=EPOCH)
    if found:
        message.NotificationData = [
            ua.DataChangeNotification(MonitoredItems=[item for item, _, _ in found])
        ]
    publish = ua.PublishResponse()
    publish.Parameters = ua.PublishResult(
        SubscriptionId=subscription,
        AvailableSequenceNumbers=[1, 2, 3],
        NotificationMessage=message,
    )
    return struct_to_binary(publish)


def plain(value):
    return "nan" if isinstance(value, float) and math.isnan(value) else value


@given(st.lists(items(), max_size=20))
def test_reads_every_value_back(found):
    notification = decode_publish(response(found))
    assert (notification.subscription, notification.sequence) == (7, 3)
    assert notification.is_data == bool(found)
    assert len(notification.changes) == len(found)
    for change, (item, when, code) in zip(notification.changes, found, strict=True):
        variant = item.Value.Value
        assert change.handle == item.ClientHandle
        assert change.status == (code or 0)
        assert change.source_time == (when or 0)
        raw = change.raw.Value if isinstance(change.raw, ua.Variant) else change.raw
        assert plain(raw) == plain(variant.Value)


@given(st.lists(items(), min_size=1, max_size=5), st.data())
def test_a_cut_response_is_an_error_and_nothing_else(found, data):
    whole = response(found)
    cut = whole[: data.draw(st.integers(0, len(whole) - 20))]
    try:
        decode_publish(cut)
    except DeviceError:
        return
    pytest.fail("read a response that was cut off")


def test_reads_a_republished_message():
    message = ua.NotificationMessage(
        SequenceNumber=9,
        PublishTime=EPOCH,
        NotificationData=[
            ua.DataChangeNotification(
                MonitoredItems=[ua.MonitoredItemNotification(4, ua.DataValue(ua.Variant(2.5)))]
            )
        ],
    )
    body = struct_to_binary(ua.RepublishResponse(NotificationMessage=message))
    notification = decode_republish(body, 77)
    assert (notification.subscription, notification.sequence) == (77, 9)
    assert [(c.handle, c.raw) for c in notification.changes] == [(4, 2.5)]


def test_reads_that_a_subscription_has_ended():
    publish = ua.PublishResponse()
    publish.Parameters.NotificationMessage.NotificationData = [
        ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))
    ]
    assert decode_publish(struct_to_binary(publish)).status == ua.StatusCodes.BadTimeout


@pytest.mark.parametrize("value", [1.5, "text", dt.datetime(2026, 1, 5, tzinfo=dt.UTC)])
@pytest.mark.parametrize("ticks", [0, 2**63 - 1, 2_650_467_743_990_000_000, -1])
def test_both_ends_of_time_mean_none(value, ticks):
    """OPC 10000-6, 5.2.2.5; node-opcua answers a read with the latest time there is."""
    stamp = dt.datetime(1999, 9, 9, tzinfo=dt.UTC)
    item = ua.MonitoredItemNotification(4, ua.DataValue(ua.Variant(value), SourceTimestamp=stamp))
    written = (stamp - dt.datetime(1601, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 10
    placeholder = written.to_bytes(8, "little")
    body = response([(item, None, None)])
    assert body.count(placeholder) == 1
    body = body.replace(placeholder, ticks.to_bytes(8, "little", signed=True))
    (change,) = decode_publish(body).changes
    assert change.source_time == 0
