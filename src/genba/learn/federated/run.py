"""A hub's whole run: it lets sites in, trains with them, and hands the candidate back to them."""

import datetime as dt
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genba.errors import LearnError
from genba.learn.candidate import Candidate
from genba.learn.federated.desk import Desk
from genba.learn.federated.gathering import Asked, Gathering
from genba.learn.federated.hub import POLL_S, HubServer, Office, create_app, wait_until
from genba.learn.federated.identity import Identity, Roster
from genba.learn.federated.message import Message
from genba.learn.federated.plan import Plan
from genba.learn.federated.study import candidate_of, study
from genba.learn.federated.total import NoSum
from genba.learn.registry.history import What

_BYE_S = 2 * POLL_S


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what happens: plain words for people, and each sum."""

    told: Callable[[str], None] = field(default=lambda text: None)
    asked: Callable[[Asked], None] = field(default=lambda asked: None)


def run_hub(
    plan: Plan,
    identity: Identity,
    listener: socket.socket,
    folder: Path,
    clock: Callable[[], str],
    ears: Ears | None = None,
) -> Candidate:
    """Train with the sites of a plan, and return the candidate; a run that was cut off goes on.

    Parameters
    ----------
    listener : socket.socket
        Bound; it is owned from now on.
    folder : Path
        Where sums and the ledger are kept: with them the run goes on after a restart.
    clock : callable
        Now, as ISO 8601 text.

    Raises
    ------
    LearnError
        If the identity cannot be used, enough sites do not come or stay, or nothing can be chosen.
    """
    ears = ears or Ears()
    identity.check(dt.datetime.now(dt.UTC))
    roster = Roster.at(identity.authority)
    office = Office(plan, Desk(plan.sites, time.time_ns() // 1000), roster)
    desk = office.desk
    gathering = Gathering(plan, desk, office.name_of, folder, clock, ears.asked)

    def noted(site: str, why: str) -> None:
        gathering.note(What.REFUSED, site=site, why=why)
        ears.told(f"{site}: {why}")

    desk.heard_of(noted)
    office.commitments.update(gathering.commitments())
    office.joined = lambda site, data: gathering.note(What.JOINED, site=site, commitment=data)
    server = HubServer(create_app(office), identity, listener)
    server.start()
    ears.told(f"plan {plan.digest()[:12]} at {server.url}; waiting for {', '.join(plan.sites)}")
    try:
        candidate = _trained(plan, office, gathering, ears)
        files = {name: np.frombuffer(told, np.uint8) for name, told in candidate.files.items()}
        office.result = Message({"plan": plan.digest()}, files).pack()
        there = set(desk.present())
        desk.close()
        wait_until(lambda: there <= office.served, _BYE_S)
    except LearnError as error:
        office.failed = str(error)
        there = set(desk.present())
        desk.close()
        wait_until(lambda: there <= office.served, _BYE_S)
        raise
    else:
        return candidate
    finally:
        desk.close()
        server.stop()


def _trained(plan: Plan, office: Office, gathering: Gathering, ears: Ears) -> Candidate:
    desk = office.desk
    try:
        desk.gather(plan.fewest_sites if gathering.begun else len(plan.sites), plan.gather_s)
    except NoSum:
        if len(desk.present()) < plan.fewest_sites:
            raise
    ears.told(f"begin with {', '.join(desk.present())}")
    found = study(gathering, plan, ears.told)
    return candidate_of(
        gathering, plan, found, office.commitments, gathering.presence, gathering.made
    )
