"""Machines do one thing at a time, and are set up in between."""

from collections.abc import Sequence
from itertools import pairwise

from ortools.sat.python import cp_model

from genba.plan.cpsat.ancestry import Ancestry
from genba.plan.cpsat.draft import Draft, Expr, Hints, Node, Order, Slot, Var
from genba.plan.cpsat.kept import EDGE, Kept
from genba.plan.problem import Machine


def add_machines(draft: Draft, ordered: frozenset[str] = frozenset()) -> None:
    """Keep machines from doing two things at a time.

    Parameters
    ----------
    draft : Draft
        With its operations and batches.
    ordered : frozenset of str
        Machines whose order has to be known though no set-up depends on it.
    """
    _add_nodes(draft)
    ancestry = Ancestry(draft.problem)
    for machine in draft.problem.machines:
        nodes = draft.nodes[machine.id]
        if not nodes:
            continue
        _free_from(draft, machine, nodes)
        _one_at_a_time(draft, machine, nodes)
        _keep_order(draft, nodes)
        if machine.id in ordered or _setups_matter(draft, machine, nodes):
            draft.orders[machine.id] = _add_order(draft, machine, nodes, ancestry)
    _add_setups(draft)


def _add_nodes(draft: Draft) -> None:
    """Group the ways of each operation by machine and family."""
    for slot in draft.slots.values():
        groups: dict[tuple[str, str | None], list[int]] = {}
        for number, way in enumerate(slot.ways):
            family = way.mode.family if way.machine.setup is not None else None
            groups.setdefault((way.machine.id, family), []).append(number)
        for (machine, family), numbers in groups.items():
            leads = [slot.leads[number] for number in numbers]
            on = draft.any_of(leads, f"{slot.operation.id} on {machine}")
            draft.nodes[machine].append(Node(slot, on, numbers, family))


def _free_from(draft: Draft, machine: Machine, nodes: Sequence[Node]) -> None:
    if machine.free_from > draft.lowest:
        for node in nodes:
            if not node.slot.fixed and not isinstance(node.slot.start, int):
                draft.cp.add(node.slot.setup_start >= machine.free_from).only_enforce_if(node.on)


def _one_at_a_time(draft: Draft, machine: Machine, nodes: Sequence[Node]) -> None:
    cp = draft.cp
    intervals = []
    for start, end in _taken(nodes):
        intervals.append(cp.new_fixed_size_interval_var(start, end - start, ""))
    for node in nodes:
        if _constant(node.slot):
            continue
        intervals.append(_interval(draft, node, node.slot.setup_start))
    if len(intervals) > 1:
        cp.add_no_overlap(intervals)


def _constant(slot: Slot) -> bool:
    return isinstance(slot.start, int)


def _taken(nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Return when a machine is taken by what has its times already; that may overlap."""
    taken: list[tuple[int, int]] = []
    busy = [(n.slot.setup_start, n.slot.end) for n in nodes if _constant(n.slot)]
    for start, end in sorted((int(s), int(e)) for s, e in busy):
        if taken and start < taken[-1][1]:
            taken[-1] = taken[-1][0], max(end, taken[-1][1])
        else:
            taken.append((start, end))
    return taken


def _interval(draft: Draft, node: Node, start: Expr) -> cp_model.IntervalVar:
    """Return the interval of a node from a time to its end."""
    cp, slot = draft.cp, node.slot
    number = node.ways[0]
    length = slot.lengths[number]
    alone = len({slot.ways[n].mode.ticks for n in node.ways}) == 1
    fixed_size = (
        slot.setup is None
        and alone
        and isinstance(length, int)
        and all(slot.ways[n].pauses_work is None for n in node.ways)
    )
    if fixed_size:
        return cp.new_optional_fixed_size_interval_var(start, length, node.on, "")
    return cp.new_optional_interval_var(
        start, span_of(draft, start, slot.end), slot.end, node.on, ""
    )


def span_of(draft: Draft, start: Expr, end: Expr) -> Var:
    """Return a variable for the ticks from one time to another."""
    span = draft.cp.new_int_var(0, draft.horizon - draft.lowest, "")
    draft.cp.add(span == end - start)
    return span


def _keep_order(draft: Draft, nodes: Sequence[Node]) -> None:
    """Keep what is not open in the order that the frame's plan has it in."""
    if draft.frame is None:
        return
    rank = draft.frame.rank
    kept = [n for n in nodes if not n.slot.open and not n.slot.fixed]
    kept.sort(key=lambda node: rank[node.slot.operation.id])
    for one, other in pairwise(kept):
        if not (_constant(one.slot) and _constant(other.slot)):
            draft.cp.add(other.slot.setup_start >= one.slot.end).only_enforce_if([one.on, other.on])


def _setups_matter(draft: Draft, machine: Machine, nodes: Sequence[Node]) -> bool:
    if machine.setup is None:
        return False
    return any(node.slot.ways[n].has_setups for node in nodes for n in node.ways)


def _add_order(draft: Draft, machine: Machine, nodes: Sequence[Node], ancestry: Ancestry) -> Order:
    """Decide who follows whom, by a circuit through the begin and all that is done."""
    order = Order(nodes, [])
    kept = _kept(draft, nodes)
    free = [number for number, node in enumerate(nodes) if node.slot.open]
    idle = draft.literal(f"{machine.id} stays idle")
    circuit: list[tuple[int, int, Expr]] = [(0, 0, idle)]
    for number, node in enumerate(nodes):
        if not draft.is_true(node.on):
            circuit.append((number + 1, number + 1, ~node.on))
        if kept.may_follow(number, EDGE):
            circuit.append((number + 1, 0, draft.literal("")))
        if kept.may_follow(EDGE, number):
            order.arcs.append((EDGE, number, draft.literal("")))
        name = node.slot.operation.id
        for other in (*kept.following(number), *free):
            if other == number or not kept.may_follow(number, other):
                continue
            following = nodes[other]
            after = following.slot.operation.id
            if after == name or (
                not (node.slot.fixed or following.slot.fixed) and ancestry.comes_before(after, name)
            ):
                continue
            arc = draft.literal("")
            order.arcs.append((number, other, arc))
            if not (_constant(node.slot) and _constant(following.slot)):
                draft.cp.add(following.slot.setup_start >= node.slot.end).only_enforce_if(arc)
    circuit += [(before + 1, after + 1, arc) for before, after, arc in order.arcs]
    draft.cp.add_circuit(circuit)
    _tell_order(draft, nodes, circuit)
    return order


def _kept(draft: Draft, nodes: Sequence[Node]) -> Kept:
    """Return the nodes whose order is known: the fixed ones, and those that a frame keeps."""
    frame = draft.frame

    def times(number: int) -> tuple[int, int, str]:
        slot = nodes[number].slot
        name = slot.operation.id
        if frame is not None:
            stands = frame.stands[name]
            return stands.start, stands.end, name
        return int(slot.start), int(slot.end), name

    kept = sorted((times(n), n) for n, node in enumerate(nodes) if not node.slot.open)
    return Kept(
        [number for _, number in kept],
        [(start, end) for (start, end, _), _ in kept],
        [draft.is_true(nodes[number].on) for _, number in kept],
        (draft.lowest - 1, 2**40) if frame is None else (frame.since, frame.until),
    )


def _tell_order(
    draft: Draft, nodes: Sequence[Node], circuit: Sequence[tuple[int, int, Expr]]
) -> None:
    """Tell the arcs of a plan at hand."""

    def tell(hints: Hints) -> None:
        there = [n for n, node in enumerate(nodes) if hints.of(node.on)]
        there.sort(key=lambda n: (hints.of(nodes[n].slot.start), hints.of(nodes[n].slot.end)))
        stops = [0, *(n + 1 for n in there), 0]
        taken = set(pairwise(stops))
        for before, after, arc in circuit:
            if before != after or before == 0:
                hints.tell(arc, int((before, after) in taken))

    draft.hinters.append(tell)


def _add_setups(draft: Draft) -> None:
    """Let the arc by which an operation is reached say how long its set-up takes."""
    into: dict[str, list[Expr]] = {}
    for machine in draft.problem.machines:
        order = draft.orders.get(machine.id)
        if order is None or machine.setup is None:
            continue
        matrix = draft.problem.setups_by_id[machine.setup]
        for before, after, arc in order.arcs:
            family = machine.family if before == EDGE else order.nodes[before].family
            ticks = matrix.ticks(family, order.nodes[after].family)
            if ticks > 0:
                into.setdefault(order.nodes[after].slot.operation.id, []).append(ticks * arc)
    for name, slot in draft.slots.items():
        if slot.setup is not None:
            _sum_up(draft, slot.setup, sum(into.get(name, [])))


def _sum_up(draft: Draft, setup: Expr, ticks: Expr) -> None:
    draft.cp.add(setup == ticks)
    draft.hinters.append(lambda hints: hints.tell(setup, hints.of(ticks)))
