"""Whether a proposal is one: fields of the declared types, so that no later question stumbles."""

from genba.plant import Evidence, Proposal, Write

MOST_WRITES = 50
LONGEST_ID = 200


def malformed(proposal: Proposal) -> str:
    """Return what is wrong with a proposal's form, empty if nothing is.

    Plug-ins make proposals, and Python does not check types for them.
    """
    texts = (proposal.id, proposal.kind, proposal.equipment, proposal.actor, proposal.role)
    if not all(isinstance(text, str) for text in texts) or not 0 < len(proposal.id) <= LONGEST_ID:
        return "id, kind, equipment, actor and role must be text"
    if not _is_time(proposal.time) or not (proposal.expires is None or _is_time(proposal.expires)):
        return "time and expires must be whole microseconds"
    if not isinstance(proposal.writes, tuple) or not all(map(_is_write, proposal.writes)):
        return "writes must be a tuple of Write with text for signal and unit"
    if len(proposal.writes) > MOST_WRITES:
        return f"{len(proposal.writes)} writes at once, at most {MOST_WRITES}"
    if not isinstance(proposal.evidence, tuple) or not all(map(_is_evidence, proposal.evidence)):
        return "evidence must be a tuple of Evidence with text for signal and a whole time"
    return ""


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_write(value: object) -> bool:
    return (
        isinstance(value, Write) and isinstance(value.signal, str) and isinstance(value.unit, str)
    )


def _is_evidence(value: object) -> bool:
    return (
        isinstance(value, Evidence)
        and isinstance(value.signal, str)
        and _is_time(value.source_time)
    )
