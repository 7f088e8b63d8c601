"""List the variables of a device, with what a plant file wants to know of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from asyncua import ua

from genba.connect.opcua.address import format_address
from genba.connect.opcua.notification import change_of
from genba.connect.opcua.units import to_ucum
from genba.connect.opcua.values import data_type
from genba.plant import BrowseEntry, Scalar

_NODES_PER_CALL = 200
_MOST_NODES = 100_000
_ANALOG_PROPERTIES = ("EURange", "EngineeringUnits")

T = TypeVar("T")


@dataclass(slots=True)
class _Found:
    node: ua.NodeId
    name: str
    path: str
    is_variable: bool


async def browse(services: Any, namespaces: Sequence[str]) -> list[BrowseEntry]:
    """Walk the hierarchy below Objects breadth first, each node once, at most 100,000 of them."""
    objects = ua.NodeId(ua.ObjectIds.ObjectsFolder)
    level = [_Found(objects, "", "", is_variable=False)]
    seen = {objects}
    variables: list[_Found] = []
    while level and len(seen) < _MOST_NODES:
        below: list[_Found] = []
        for part in _parts(level):
            for found in await _children(services, part, ua.ObjectIds.HierarchicalReferences):
                if found.node in seen or found.node.NamespaceIndex == 0:
                    continue  # namespace 0 below Objects is the server's own bookkeeping
                seen.add(found.node)
                below.append(found)
        variables += [found for found in below if found.is_variable and not _is_property(found)]
        level = below
    entries: list[BrowseEntry] = []
    for part in _parts(variables):
        entries += await _describe(services, part, namespaces)
    return entries


def _is_property(found: _Found) -> bool:
    return found.name in _ANALOG_PROPERTIES


async def _children(services: Any, parents: Sequence[_Found], references: int) -> list[_Found]:
    params = ua.BrowseParameters()
    params.NodesToBrowse = [
        ua.BrowseDescription(
            NodeId=parent.node,
            BrowseDirection=ua.BrowseDirection.Forward,
            ReferenceTypeId=ua.NodeId(references),
            IncludeSubtypes=True,
            NodeClassMask=int(ua.NodeClass.Object | ua.NodeClass.Variable),
            ResultMask=int(ua.BrowseResultMask.All),
        )
        for parent in parents
    ]
    results = await services.browse(params)
    found: list[_Found] = []
    for parent, result in zip(parents, results, strict=True):
        references_found = list(result.References or [])
        more = result.ContinuationPoint
        while more:
            following = ua.BrowseNextParameters(ContinuationPoints=[more])
            page = (await services.browse_next(following))[0]
            references_found += page.References or []
            more = page.ContinuationPoint
        for reference in references_found:
            name = str(reference.BrowseName.Name or "")
            found.append(
                _Found(
                    _local(reference.NodeId),
                    str(reference.DisplayName.Text or name),
                    f"{parent.path}/{name}".lstrip("/"),
                    reference.NodeClass == ua.NodeClass.Variable,
                )
            )
    return found


def _local(node: ua.NodeId) -> ua.NodeId:
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


async def _describe(
    services: Any, variables: Sequence[_Found], namespaces: Sequence[str]
) -> list[BrowseEntry]:
    nodes = [found.node for found in variables]
    values = await services.read_attributes(nodes, ua.AttributeIds.Value)
    access = await services.read_attributes(nodes, ua.AttributeIds.UserAccessLevel)
    declared = await services.read_attributes(nodes, ua.AttributeIds.DataType)
    analog = await _analog_properties(services, variables)
    entries = []
    for found, value, level, kind in zip(variables, values, access, declared, strict=True):
        unit, low, high = analog.get(found.node, (None, None, None))
        change = change_of(0, value)
        shown: Scalar = None if isinstance(change.raw, ua.Variant) else change.raw
        entries.append(
            BrowseEntry(
                address=format_address(found.node, namespaces),
                name=found.name,
                path=found.path,
                type=_type_of(value, kind),
                writable=_is_writable(level),
                unit=unit,
                low=low,
                high=high,
                value=shown,
            )
        )
    return entries


def _type_of(value: ua.DataValue, declared: ua.DataValue) -> str | None:
    kind = None
    if value.Value is not None and value.Value.VariantType is not ua.VariantType.Null:
        if value.Value.is_array:
            return None
        kind = value.Value.VariantType
    elif declared.Value is not None and isinstance(declared.Value.Value, ua.NodeId):
        node = declared.Value.Value
        if node.NamespaceIndex == 0 and 0 < int(node.Identifier) <= 25:
            kind = ua.VariantType(node.Identifier)
    found = data_type(kind) if kind is not None else None
    return found.value if found is not None else None


def _is_writable(level: ua.DataValue) -> bool:
    bits = level.Value.Value if level.Value is not None else None
    return isinstance(bits, int) and bool(bits & (1 << ua.AccessLevel.CurrentWrite.value))


async def _analog_properties(
    services: Any, variables: Sequence[_Found]
) -> dict[ua.NodeId, tuple[str | None, float | None, float | None]]:
    """EURange and EngineeringUnits of those variables that have them (OPC 10000-8, 5.3.2)."""
    bare = [_Found(found.node, found.name, str(i), True) for i, found in enumerate(variables)]
    properties = [
        found
        for found in await _children(services, bare, ua.ObjectIds.HasProperty)
        if found.path.rpartition("/")[2] in _ANALOG_PROPERTIES
    ]
    analog: dict[ua.NodeId, tuple[str | None, float | None, float | None]] = {}
    for part in _parts(properties):
        values = await services.read_attributes([p.node for p in part], ua.AttributeIds.Value)
        for found, value in zip(part, values, strict=True):
            owner = variables[int(found.path.partition("/")[0])].node
            held = value.Value.Value if value.Value is not None else None
            unit, low, high = analog.get(owner, (None, None, None))
            if isinstance(held, ua.EUInformation):
                unit = to_ucum(held)
            elif isinstance(held, ua.Range):
                low, high = float(held.Low), float(held.High)
            analog[owner] = (unit, low, high)
    return analog


def _parts(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[at : at + _NODES_PER_CALL] for at in range(0, len(items), _NODES_PER_CALL))
