"""The hub's side of one secure sum: it carries boxes around, and takes the masks off the total."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import Floats
from genba.learn.federated import shamir
from genba.learn.federated.identity import verified
from genba.learn.federated.masks import Pair, stream
from genba.learn.federated.message import Message
from genba.learn.federated.party import FEWEST, keys_text, seed_seal, survivors_text, threshold_of
from genba.learn.federated.ring import RINGS, Ring, Words

Ask = Callable[[Mapping[str, Message]], Mapping[str, Message]]
"""Asks each site its own question, and returns the answers of those that gave one in time."""


class TooFew(LearnError):
    """Too many sites fell out of a sum; it can be tried again."""


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """The total (n,), whose answers are in it, and who fell out on the way."""

    values: Floats
    sites: tuple[str, ...]
    lost: tuple[str, ...]


NameOf = Callable[[bytes], str]
"""Tells whom a certificate (DER) speaks for; raises LearnError where it is not believed."""


def tally(ask: Ask, sites: Collection[str], question: Message, size: int, name_of: NameOf) -> Sum:
    """Add up the answers of sites to a question, without seeing any of them.

    Parameters
    ----------
    ask : callable
        Carries messages; answers it returns are from whom they say.
    question : Message
        Its ``ring`` is one of :data:`genba.learn.federated.ring.RINGS`.
    size : int
        How many numbers an answer holds; an answer of another size is left out.

    Raises
    ------
    TooFew
        If fewer than three sites, or no more than two thirds of those that began, are left.
    """
    session = secrets.token_hex(16)
    ring = RINGS[question.text("ring")]
    told = Message(
        {"stage": "keys", "session": session, "question": question.head}, question.arrays
    )
    asked = question.digest()
    keys = _of_all(ask, sites, lambda site: told)
    roster = {
        site: {name: str(value) for name, value in answer.head.items()}
        for site, answer in keys.items()
        if _own_keys(answer, session, asked, site, name_of)
    }
    _enough(roster, FEWEST)
    least = threshold_of(len(roster))
    shared = _of_all(ask, roster, lambda site: _step("shares", session, roster=roster))
    shared = {site: answer for site, answer in shared.items() if _whole(answer, site, roster)}
    _enough(shared, least)

    def boxes(site: str) -> dict[str, str]:
        return {one: answer.table("boxes")[site] for one, answer in shared.items() if one != site}

    masked = _of_all(ask, shared, lambda site: _step("masked", session, boxes=boxes(site)))
    words = {
        site: found
        for site, answer in masked.items()
        if (found := _words(answer, ring, size)) is not None
    }
    _enough(words, least)
    survivors = sorted(words)
    confirmed = _of_all(ask, words, lambda site: _step("confirm", session, sites=survivors))
    signatures = {site: str(answer.head.get("signature")) for site, answer in confirmed.items()}
    signatures = {
        site: text
        for site, text in signatures.items()
        if _signed(roster[site], survivors_text(session, survivors), text)
    }
    _enough(signatures, least)
    shares = _of_all(ask, signatures, lambda site: _step("unmask", session, signatures=signatures))
    _enough(shares, least)
    told_of = _Told(shares, {site: at for at, site in enumerate(sorted(roster), 1)}, least)
    total = np.zeros((size, ring.limbs), np.uint64)
    for site in survivors:
        seed = told_of.secret("seed", site, _seals(session, shared[site].text("seal")))
        total = ring.add(total, ring.subtract(words[site], stream(seed, size, ring.limbs)))
    publics = {site: roster[site]["mask"] for site in survivors}
    for gone in set(shared) - set(survivors):
        key = told_of.secret("key", gone, _opens(roster[gone]["mask"]))
        total = _without(total, ring, Pair(key), gone, publics, session)
    return Sum(ring.decode(total), tuple(survivors), tuple(sorted(set(sites) - set(survivors))))


def _step(stage: str, session: str, **more: object) -> Message:
    return Message({"stage": stage, "session": session, **more})


def _of_all(ask: Ask, sites: Collection[str], told: Callable[[str], Message]) -> dict[str, Message]:
    return dict(sorted(ask({site: told(site) for site in sites}).items()))


def _own_keys(answer: Message, session: str, asked: str, site: str, name_of: NameOf) -> bool:
    """Whether keys are those of the site that told them: others would refuse the sum else."""
    try:
        told = {name: answer.text(name) for name in ("mask", "box", "certificate", "signature")}
        if name_of(bytes.fromhex(told["certificate"])) != site:
            return False
        return _signed(told, keys_text(session, asked, site, told), told["signature"])
    except (LearnError, ValueError):
        return False


def _signed(entry: Mapping[str, str], text: bytes, signature: str) -> bool:
    try:
        return verified(bytes.fromhex(entry["certificate"]), text, bytes.fromhex(signature))
    except ValueError:
        return False


def _whole(answer: Message, site: str, roster: Collection[str]) -> bool:
    """Whether a site sent a box to each of the others, and the proof of its seed."""
    boxes = answer.head.get("boxes")
    if not isinstance(boxes, dict) or not isinstance(answer.head.get("seal"), str):
        return False
    plain = all(isinstance(box, str) for box in boxes.values())
    return plain and set(boxes) == set(roster) - {site}


def _words(answer: Message, ring: Ring, size: int) -> Words | None:
    words = answer.arrays.get("masked")
    right = words is not None and words.dtype == np.uint64 and words.shape == (size, ring.limbs)
    return np.array(words, np.uint64) if right else None


def _enough(left: Collection[str], least: int) -> None:
    if len(left) < least:
        raise TooFew(
            f"{len(left)} sites are left in a sum that takes {least}; see that they run and reach "
            "the hub"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """The shares that sites told, by what they are of."""

    answers: Mapping[str, Message]
    places: Mapping[str, int]
    least: int

    def secret(self, which: str, site: str, right: Callable[[bytes], bool]) -> bytes:
        shares = {}
        for teller, answer in self.answers.items():
            try:
                shares[self.places[teller]] = int(answer.table(which)[site], 16) % shamir.PRIME
            except (KeyError, ValueError, TypeError, LearnError):
                continue
        return shamir.sure(shares, self.least, right)


def _seals(session: str, proof: str) -> Callable[[bytes], bool]:
    return lambda seed: seed_seal(session, seed) == proof


def _opens(public: str) -> Callable[[bytes], bool]:
    return lambda key: Pair(key).public.hex() == public


def _without(
    total: Words, ring: Ring, pair: Pair, gone: str, publics: Mapping[str, str], session: str
) -> Words:
    """Take off the masks that survivors agreed on with one who fell out."""
    for site, public in publics.items():
        key = pair.agreed(bytes.fromhex(public), f"mask {session}")
        undo = ring.subtract if site < gone else ring.add
        total = undo(total, stream(key, len(total), ring.limbs))
    return total
