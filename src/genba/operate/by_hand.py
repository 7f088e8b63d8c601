"""What people do: propose, say yes, say no. All of it goes through the guard, and is recorded."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace

import pyarrow.compute as pc

from genba.errors import Refused
from genba.guard import FROM_OUTSIDE, Guard, Waiting
from genba.historian import Historian
from genba.operate.journal import KEPT, CommandJournal
from genba.operate.loop import ExecutionLoop
from genba.operate.recorded import proposal_of, verdict_of
from genba.plant import US, Approval, Clock, Decision, Proposal, Verdict

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 24 * 3600
"""Plant seconds for which the guard lets no proposal live; nothing older can still wait."""


class OtherBody(Refused):
    """An idempotency key came again with another request."""


class ByHand:
    """The way of people into the execution loop. For the loop's own thread.

    Parameters
    ----------
    loop, guard, journal, clock
        Of the core.
    flush : callable
        Hands what was recorded to the historian now, not at the next tick.
    """

    def __init__(
        self,
        loop: ExecutionLoop,
        guard: Guard,
        journal: CommandJournal,
        clock: Clock,
        flush: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._guard = guard
        self._journal = journal
        self._clock = clock
        self._flush = flush
        self._answers: dict[str, tuple[str, Verdict]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def submit(self, proposal: Proposal, key: str = "") -> Verdict:
        """Take a person's proposal: it goes through the guard like any other.

        With an idempotency ``key`` the same request is done once, however often it comes, also
        after a restart: the same verdict is the answer again.

        Raises
        ------
        OtherBody
            If the key was used for another request.
        StateError
            If the answer cannot be kept on disk, for a request with a key. Ask again.
        """
        if not key:
            return self._decide(proposal)
        name = _digest(proposal.actor, key)
        body = _digest(proposal.equipment, proposal.kind, repr(proposal.writes), proposal.reason)
        async with self._asking.setdefault(name, asyncio.Lock()):
            known = self._answers.get(name)
            if known is None:
                # The id comes from the key: should the answer get lost, the guard refuses a replay.
                verdict = self._decide(replace(proposal, id=f"manual-{name[:32]}"))
                known = self._answers[name] = (body, verdict)
                await self._journal.answer(name, body, verdict)
                self._drop_old()
        if known[0] != body:
            raise OtherBody(
                "this Idempotency-Key came with another request before; use a new key for a new one"
            )
        return known[1]

    def _decide(self, proposal: Proposal) -> Verdict:
        verdict = self._loop.put_through(proposal, Approval(proposal.actor, proposal.role))
        self._flush()
        return verdict

    def _drop_old(self) -> None:
        while len(self._answers) > KEPT:
            oldest = next(iter(self._answers))
            del self._answers[oldest]
            self._asking.pop(oldest, None)

    def waiting(self) -> list[Waiting]:
        """Return what waits for people, oldest first, with the yeses so far."""
        return self._guard.waiting()

    async def approve(self, proposal_id: str, approval: Approval) -> Verdict:
        """Say yes, as a person, to a proposal that waits.

        Raises
        ------
        Refused
            If none of that id waits, or this person's yes does not count.
        """
        try:
            return self._loop.approve(proposal_id, approval)
        finally:
            self._flush()

    async def refuse(self, proposal_id: str, approval: Approval, reason: str) -> Verdict:
        """Say no, as a person, to a proposal that waits.

        Raises
        ------
        Refused
            If none of that id waits, or this role may not decide on it.
        """
        try:
            return self._loop.refuse(proposal_id, approval, reason)
        finally:
            self._flush()

    def restore(self, historian: Historian) -> list[Waiting]:
        """Read what waited, and which keys were answered, when Genba stopped. Takes a moment."""
        self._answers = self._journal.answers()
        used = set(self._journal.used_ids())
        self._guard.remember(used)
        return [w for w in waited(historian, self._clock.now()) if w.proposal.id not in used]

    def take_up(self, found: list[Waiting]) -> None:
        """Let proposals wait again; everything is asked again at the next yes."""
        for waiting in found:
            self._loop.wait_on(waiting)


def waited(historian: Historian, now: int) -> list[Waiting]:
    """Return the proposals whose last recorded verdict is that they wait for people."""
    start = now - LONGEST_WAIT_S * US
    table = historian.rows("decisions", start, now + 1, stage="verdict")
    waits = pc.match_substring(table["data"], f'"decision":"{Decision.AWAITING_APPROVAL}"')
    names = set(table.filter(waits)["ref"].to_pylist())
    last: dict[str, str] = {
        row["ref"]: row["data"] for row in table.to_pylist() if row["ref"] in names
    }
    found = []
    for name, text in last.items():
        try:
            verdict = verdict_of(text)
            if verdict.decision is not Decision.AWAITING_APPROVAL:
                continue
            proposals = historian.rows("decisions", start, now + 1, stage="proposal", ref=name)
            proposal = proposal_of(proposals["data"].to_pylist()[-1])
        except (ValueError, KeyError, TypeError, IndexError):
            logger.exception("the record of proposal '%s', which waits, cannot be read", name)
            continue
        personal = proposal.source in FROM_OUTSIDE
        found.append(Waiting(proposal, verdict.needed, verdict.approvals, personal))
    return found


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
