"""OPC UA: secured sessions, subscriptions that lose nothing, history, browsing."""

from genba.connect.opcua.driver import OpcUaDriver

__all__ = ["OpcUaDriver"]
