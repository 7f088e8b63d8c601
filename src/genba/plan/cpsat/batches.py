"""Batches: each has a leader, the first of its operations, and the others join it.

The leader alone stands on the machine; who joins takes over its times.
"""

from genba.plan.cpsat.draft import Draft, Expr, Hints, Slot, Var, milliwatts
from genba.plan.cpsat.ways import Way

Member = tuple[Slot, int]
"""An operation in one of its ways."""


def add_batches(draft: Draft) -> None:
    """Let operations with the same word join each other; to be called before times are asked."""
    found: dict[tuple[str, str], list[Member]] = {}
    for slot in draft.slots.values():
        if slot.operation.batch is not None and not slot.fixed:
            for number, way in enumerate(slot.ways):
                key = slot.operation.batch, way.machine.id
                found.setdefault(key, []).append((slot, number))
    joined: dict[tuple[str, int], list[Var]] = {}
    for members in found.values():
        if len({slot.operation.id for slot, _ in members}) > 1:
            # What keeps its place leads before what is open, so that leaders stay leaders.
            members.sort(key=lambda member: member[0].open)
            for number, leader in enumerate(members):
                _lead(draft, leader, members[number + 1 :], joined)


def _lead(
    draft: Draft, leader: Member, others: list[Member], joined: dict[tuple[str, int], list[Var]]
) -> None:
    """Add what may join one leader. Leaders come in the order of their members."""
    cp, (slot, number) = draft.cp, leader
    before = joined.pop((slot.operation.id, number), [])
    if before:
        lead = draft.literal(f"{slot.operation.id} leads")
        cp.add_exactly_one([lead, *before, ~slot.present[number]])
        slot.leads[number] = lead
        present = slot.present[number]
        draft.hinters.append(
            lambda hints: hints.tell(
                lead, int(hints.of(present) and not any(hints.of(x) for x in before))
            )
        )
    able = [member for member in others if _may_join(draft, leader, member)]
    if not able:
        return
    joins = [_join(draft, leader, member) for member in able]
    for (other, way), join in zip(able, joins, strict=True):
        joined.setdefault((other.operation.id, way), []).append(join)
    parts = slot.operation.parts + sum(
        join * other.operation.parts for (other, _), join in zip(able, joins, strict=True)
    )
    if slot.operation.batch_parts is not None:
        cp.add(parts <= max(slot.operation.batch_parts, slot.operation.parts))
    for (other, _), join in zip(able, joins, strict=True):
        most = other.operation.batch_parts
        if most is not None and most != slot.operation.batch_parts:
            cp.add(parts <= most).only_enforce_if(join)
    modes = [other.ways[way].mode for other, way in able]
    own = slot.ways[number].mode
    slot.lengths[number] = _highest(draft, own.ticks, [m.ticks for m in modes], joins)
    powers = [milliwatts(mode) for mode in modes]
    slot.powers[number] = _highest(draft, milliwatts(own), powers, joins)


def _may_join(draft: Draft, leader: Member, member: Member) -> bool:
    slot, other = leader[0], member[0]
    if slot is other:
        return False
    if slot.operation.id in other.operation.predecessors:
        return False
    most = slot.operation.batch_parts
    if most is not None and slot.operation.parts + other.operation.parts > most:
        return False
    if isinstance(slot.start, int) and other.open:
        return False  # the batch stands as it is
    if not slot.open and not other.open and not _together(draft, slot, other):
        return False
    return _alike(slot.ways[leader[1]], other.ways[member[1]])


def _together(draft: Draft, one: Slot, other: Slot) -> bool:
    """Whether a frame's plan has two operations in one batch."""
    if draft.frame is None:
        return True
    first = draft.frame.stands[one.operation.id]
    second = draft.frame.stands[other.operation.id]
    return (first.machine, first.setup_start, first.start, first.end) == (
        second.machine,
        second.setup_start,
        second.start,
        second.end,
    )


def _alike(one: Way, other: Way) -> bool:
    return (
        one.mode.family == other.mode.family
        and (one.staff, one.whole) == (other.staff, other.whole)
        and set(one.mode.tools) == set(other.mode.tools)
    )


def _join(draft: Draft, leader: Member, member: Member) -> Var:
    """Make the literal that says that one joins the other, with all that follows from it."""
    cp, (slot, number), (other, way) = draft.cp, leader, member
    names = other.operation.id, slot.operation.id
    join = draft.literal(f"{names[0]} joins {names[1]}")
    cp.add_implication(join, slot.leads[number])
    for own, theirs in (
        (other.start, slot.start),
        (other.end, slot.end),
        (other.setup_start, slot.setup_start),
    ):
        cp.add(own == theirs).only_enforce_if(join)

    def tell(hints: Hints) -> None:
        same = hints.of(other.start) == hints.of(slot.start) and hints.of(slot.leads[number])
        hints.tell(join, int(bool(same and hints.of(other.present[way]))))

    draft.hinters.append(tell)
    return join


def _highest(draft: Draft, own: int, values: list[int], joins: list[Var]) -> Expr:
    """Return the highest of a batch: its leader's own value, and those of all that join it."""
    higher = [(value, join) for value, join in zip(values, joins, strict=True) if value > own]
    if not higher:
        return own
    highest = draft.cp.new_int_var(own, max(values), "")
    terms: list[Expr] = [own, *(value * join for value, join in higher)]
    draft.cp.add_max_equality(highest, terms)
    draft.hinters.append(
        lambda hints: hints.tell(highest, max(own, *(v * hints.of(join) for v, join in higher)))
    )
    return highest
