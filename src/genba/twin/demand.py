"""What comes from outside: orders at short notice, and material that is late."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from genba.plant import US
from genba.twin.distribution import NO_TIME, Distribution
from genba.twin.fit import fit
from genba.twin.parameter import Basis, Findings, Parameter, kept
from genba.twin.recording import Recording

_LATE_S = 60.0
"""Material that comes within a minute of the release is not late."""


@dataclass(frozen=True)
class Demand:
    """How orders come in that nobody knew of, and how often material keeps lots waiting."""

    rush_per_day: float = 0.0
    """Mean number per 24 h; they come at random."""
    products: Mapping[str, float] = field(default_factory=dict)
    """Share of each product among them."""
    quantity: Distribution = NO_TIME
    """Parts."""
    lead_s: Distribution = NO_TIME
    """From release to due."""
    weight: float = 1.0
    """Mean weight of their lateness."""
    late: float = 0.0
    """Share of orders whose material is late."""
    late_s: Distribution = NO_TIME
    """How late it is then."""


def read_demand(recording: Recording, found: Findings) -> Demand:
    """Estimate what comes from outside in the time of a recording."""
    days = (recording.end - recording.start) / US / 86_400
    fresh = [
        a
        for a in recording.arrivals
        if a.announced is not None and recording.start <= a.announced < recording.end
    ]
    rate = len(fresh) / days
    note = f"{len(fresh)} in {days:.1f} days"
    found.add(
        Parameter(
            "orders", "rush orders per day", "/d", Basis.OWN, 0.0, rate, len(fresh), note=note
        )
    )
    due = [a for a in recording.arrivals if recording.start <= a.release < recording.end]
    late = [a.late_s for a in due if a.late_s > _LATE_S]
    share = len(late) / len(due) if due else 0.0
    if due:
        note = f"{len(late)} of {len(due)} orders"
        found.add(
            Parameter("orders", "late material", "1", Basis.OWN, 0.0, share, len(due), note=note)
        )
    else:
        found.add(kept("orders", "late material", "1", 0.0, "no order was released"))
    demand = Demand(rush_per_day=rate, late=share)
    if late:
        how_late = fit(late, found.next_seed())
        mean = how_late.distribution.mean
        found.add(
            Parameter(
                "orders",
                "material delay",
                "s",
                Basis.OWN,
                None,
                mean,
                len(late),
                0,
                how_late,
                how_late.note,
            )
        )
        demand = Demand(rate, late=share, late_s=how_late.distribution)
    if not fresh:
        return demand
    counts = Counter(a.product for a in fresh)
    seeds = found.next_seed()
    return Demand(
        rush_per_day=rate,
        products={product: n / len(fresh) for product, n in sorted(counts.items())},
        quantity=fit([float(a.quantity) for a in fresh], seeds).distribution,
        lead_s=fit([max(0.0, (a.due - a.release) / US) for a in fresh], seeds).distribution,
        weight=sum(a.weight for a in fresh) / len(fresh),
        late=demand.late,
        late_s=demand.late_s,
    )
