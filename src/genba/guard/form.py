"""Whether a proposal is one: fields of the declared types, so that no later question stumbles."""

from genba.plant import Evidence, Proposal, Write

MOST_WRITES = 50
LONGEST_ID = 200
MOST_BITS = 4096
"""Of whole numbers; much longer ones cannot be shown as text, and no device takes them."""


def malformed(proposal: Proposal) -> str:
    """Return what is wrong with a proposal's form, empty if nothing is.

    Plug-ins make proposals, and Python does not check types for them.
    """
    texts = (
        proposal.id, proposal.kind, proposal.equipment, proposal.actor, proposal.role,
        proposal.reason, proposal.source,
    )  # fmt: skip
    if not all(isinstance(text, str) for text in texts) or not 0 < len(proposal.id) <= LONGEST_ID:
        return "id, kind, equipment, actor, role, reason and source must be text"
    if not _is_time(proposal.time) or not (proposal.expires is None or _is_time(proposal.expires)):
        return "time and expires must be whole microseconds"
    if not isinstance(proposal.writes, tuple) or not all(map(_is_write, proposal.writes)):
        return "writes must be a tuple of Write with a plain value, text for signal and unit"
    if len(proposal.writes) > MOST_WRITES:
        return f"{len(proposal.writes)} writes at once, at most {MOST_WRITES}"
    if not isinstance(proposal.evidence, tuple) or not all(map(_is_evidence, proposal.evidence)):
        return "evidence must be a tuple of Evidence with a plain value, text and a whole time"
    context = proposal.context
    if not isinstance(context, dict) or not all(
        isinstance(key, str) and _is_plain(value) for key, value in context.items()
    ):
        return "context must be a dictionary of plain values by text"
    return ""


def _is_time(value: object) -> bool:
    """Whether a value is a time that records can hold: microseconds in 64 bits, from 1970 on."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= MOST_BITS
    return value is None or isinstance(value, float | str)


def _is_write(value: object) -> bool:
    return (
        isinstance(value, Write)
        and isinstance(value.signal, str)
        and isinstance(value.unit, str)
        and _is_plain(value.value)
    )


def _is_evidence(value: object) -> bool:
    return (
        isinstance(value, Evidence)
        and isinstance(value.signal, str)
        and _is_time(value.source_time)
        and _is_plain(value.value)
    )
