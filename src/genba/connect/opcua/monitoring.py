"""Ask a device to watch nodes: how often it looks, what counts as a change, how much it keeps."""

import copy
from collections.abc import Sequence

from asyncua import ua

from genba.connect.opcua.options import OpcUaOptions
from genba.connect.opcua.session import Session
from genba.connect.opcua.values import NUMBERS, direct_types
from genba.plant import Signal, SignalKind

ITEMS_PER_CALL = 500
NO_FILTER = {
    ua.StatusCodes.BadMonitoredItemFilterUnsupported,
    ua.StatusCodes.BadMonitoredItemFilterInvalid,
    ua.StatusCodes.BadFilterNotAllowed,
    ua.StatusCodes.BadDeadbandFilterInvalid,
}
"""What a device says that cannot apply a deadband itself."""


def item_request(
    handle: int, signal: Signal, node: ua.NodeId, options: OpcUaOptions, speed: float
) -> ua.MonitoredItemCreateRequest:
    """Watch one signal's node; ``speed`` is the plant clock's, in plant seconds per second."""
    parameters = ua.MonitoringParameters(
        ClientHandle=handle,
        SamplingInterval=_sampling_ms(signal, options, speed),
        QueueSize=options.queue_size,
        DiscardOldest=True,
    )
    if signal.deadband > 0 and direct_types(signal) <= NUMBERS:
        parameters.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValue,
            DeadbandType=int(ua.DeadbandType.Absolute),
            DeadbandValue=signal.deadband / abs(signal.scale),
        )
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=parameters,
    )


def without_filter(request: ua.MonitoredItemCreateRequest) -> ua.MonitoredItemCreateRequest:
    """Take the deadband out, for a device that knows none: every change then comes."""
    plain = copy.deepcopy(request)
    plain.RequestedParameters.Filter = ua.MonitoringParameters().Filter
    return plain


async def create_items(
    session: Session,
    subscription: int,
    requests: Sequence[ua.MonitoredItemCreateRequest],
    queues: dict[int, int],
) -> list[tuple[ua.MonitoredItemCreateRequest, int]]:
    """Create monitored items; gives back those that the device refused, with its status codes.

    Into ``queues`` goes how many changes the device keeps for each item, by handle.
    """
    refused = []
    for start in range(0, len(requests), ITEMS_PER_CALL):
        part = list(requests[start : start + ITEMS_PER_CALL])
        params = ua.CreateMonitoredItemsParameters(
            SubscriptionId=subscription,
            TimestampsToReturn=ua.TimestampsToReturn.Source,
            ItemsToCreate=part,
        )
        results = await session.client.uaclient.session.create_monitored_items(params)
        for request, result in zip(part, results, strict=True):
            if not result.StatusCode.is_good():
                refused.append((request, int(result.StatusCode.value)))
            elif result.RevisedQueueSize > 1:
                queues[request.RequestedParameters.ClientHandle] = int(result.RevisedQueueSize)
    return refused


def _sampling_ms(signal: Signal, options: OpcUaOptions, speed: float) -> float:
    if options.sampling_ms is not None:
        return options.sampling_ms
    if signal.kind is not SignalKind.MEASUREMENT:
        return 0.0
    return signal.sample_s * 1000 / speed
