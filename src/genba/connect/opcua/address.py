"""Node ids as they stand in ``plant.yaml``, and as a device understands them now."""

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from asyncua import ua

from genba.errors import DeviceError, PlantError

_FORM = re.compile(
    r"(?:(?:nsu=(?P<uri>[^;]+)|ns=(?P<index>\d+));)?(?P<kind>[isgb])=(?P<identifier>.+)", re.DOTALL
)
_MEND = "write it like nsu=urn:maker:machine;s=Temperature or ns=2;i=1001"


@dataclass(frozen=True, slots=True)
class Address:
    """A node id (OPC 10000-6, 5.1.12) whose namespace is a URI, or an index where that is given.

    Indexes of namespaces may change when a device restarts; URIs do not.
    """

    text: str
    uri: str | None
    index: int
    identifier: int | str | bytes | uuid.UUID

    def resolve(self, namespaces: Sequence[str]) -> ua.NodeId:
        """Turn it into a node id of a session that has these namespaces.

        Raises
        ------
        DeviceError
            If the device does not have the namespace.
        """
        index = self.index
        if self.uri is not None:
            if self.uri not in namespaces:
                raise DeviceError(
                    f"address '{self.text}': the device has no namespace '{self.uri}'; "
                    f"it has {', '.join(namespaces)}"
                )
            index = namespaces.index(self.uri)
        return ua.NodeId(self.identifier, index)


def parse_address(text: str) -> Address:
    """Read ``[nsu=URI;|ns=INDEX;]{i|s|g|b}=IDENTIFIER``.

    Raises
    ------
    PlantError
        If the text is no node id.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise PlantError(f"address '{text}' is no OPC UA node id; {_MEND}")
    kind, identifier = match["kind"], match["identifier"]
    value: int | str | bytes | uuid.UUID = identifier
    try:
        if kind == "i":
            value = int(identifier)
        elif kind == "g":
            value = uuid.UUID(identifier)
        elif kind == "b":
            value = base64.b64decode(identifier, validate=True)
    except (ValueError, binascii.Error):
        raise PlantError(f"address '{text}' is no OPC UA node id; {_MEND}") from None
    uri = match["uri"]
    if uri is not None:
        uri = uri.replace("%3B", ";").replace("%3b", ";").replace("%25", "%")
    return Address(text, uri, int(match["index"] or 0), value)


def format_address(node: ua.NodeId, namespaces: Sequence[str]) -> str:
    """Write a node id so that it still holds when namespace indexes have changed."""
    identifier = node.Identifier
    if isinstance(identifier, bytes):
        tail = f"b={base64.b64encode(identifier).decode('ascii')}"
    elif isinstance(identifier, uuid.UUID):
        tail = f"g={identifier}"
    elif isinstance(identifier, int):
        tail = f"i={identifier}"
    else:
        tail = f"s={identifier}"
    index = int(node.NamespaceIndex)
    if index == 0:
        return tail
    if index < len(namespaces):
        return f"nsu={namespaces[index].replace('%', '%25').replace(';', '%3B')};{tail}"
    return f"ns={index};{tail}"
