"""Reads the parts of a decision record back from the JSON in which they were written."""

import json
from dataclasses import asdict
from typing import Any

from genba.plant import Approval, Command, Decision, Evidence, Proposal, Verdict, Write


def as_text(part: Proposal | Verdict | Command) -> str:
    """Write one part of a decision record as JSON."""
    return json.dumps(asdict(part), separators=(",", ":"), default=str)


def proposal_of(text: str) -> Proposal:
    """Read a proposal.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the text is none.
    """
    data: dict[str, Any] = json.loads(text)
    data["writes"] = tuple(Write(**write) for write in data["writes"])
    data["evidence"] = tuple(Evidence(**piece) for piece in data["evidence"])
    return Proposal(**data)


def verdict_of(text: str) -> Verdict:
    """Read a verdict; errors as with :func:`proposal_of`."""
    data: dict[str, Any] = json.loads(text)
    data["decision"] = Decision(data["decision"])
    data["reasons"] = tuple(data["reasons"])
    data["approvals"] = tuple(Approval(**given) for given in data.get("approvals", ()))
    return Verdict(**data)


def command_of(text: str) -> Command:
    """Read a command; errors as with :func:`proposal_of`."""
    data: dict[str, Any] = json.loads(text)
    data["writes"] = tuple(Write(**write) for write in data["writes"])
    return Command(**data)
