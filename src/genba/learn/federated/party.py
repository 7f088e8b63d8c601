"""A site's side of one secure sum: it gives a masked answer, and the hub learns the sum alone.

Bonawitz et al., *Practical secure aggregation for privacy-preserving machine learning*, CCS 2017,
with its consistency check. Each two sites agree on a mask that one adds and the other subtracts, so
that all of these cancel in the sum. Each adds a mask of its own too. Both secrets are shared out:
of a site that fell out others tell the first, of one that answered the second, never both, so that
an answer that comes late after all stays hidden.
"""

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from genba.errors import LearnError
from genba.learn.arrays import Floats, digest_of
from genba.learn.federated import shamir
from genba.learn.federated.identity import verified
from genba.learn.federated.masks import Pair, seal, stream, unseal
from genba.learn.federated.ring import Ring, Words

FEWEST = 3
"""Sites in a sum: of a sum of two, either knows the other's number."""
_STAGES = ("keys", "shares", "masked", "confirm", "unmask", "over")


def threshold_of(sites: int) -> int:
    """How many of so many sites have to stay to the end: more than two thirds, and at least three.

    So a hub that lies, and a third of the sites with it, cannot show different survivors to two
    parts of the others and have both lists signed often enough (Bonawitz et al., section 6.2).
    """
    return max(FEWEST, 2 * sites // 3 + 1)


class Signer(Protocol):
    """Who signs for a site; see :class:`genba.learn.federated.identity.Identity`."""

    def der(self) -> bytes:
        """Return its certificate."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Sign a content."""
        ...


class Memory(Protocol):
    """What a site remembers of sums, so that no question is answered in two different circles."""

    def circle(self, question: str) -> Collection[str] | None:
        """Return with whom a question (its digest) was answered before, None if it never was."""
        ...

    def note_circle(self, question: str, sites: Sequence[str]) -> None:
        """Remember with whom it is answered; on the disk when this returns."""
        ...


class Party:
    """One site in one sum; it lives for that sum alone.

    Parameters
    ----------
    name : str
        Of the site.
    session, question : str
        A name of this sum that never comes again, and the digest of what is asked.
    ring : Ring
        In which it is added up.
    answer : callable
        Gives the site's numbers, (n,); called once, when it is sure that the sum comes about.
    name_of : callable
        Tells whom a certificate (DER) speaks for; raises LearnError where it is not believed.
    """

    def __init__(
        self,
        name: str,
        signer: Signer,
        session: str,
        question: str,
        ring: Ring,
        answer: Callable[[], Floats],
        name_of: Callable[[bytes], str],
        memory: Memory,
    ) -> None:
        self.name = name
        self._signer, self._ring, self._answer = signer, ring, answer
        self._session, self._question = session, question
        self._name_of, self._memory = name_of, memory
        self._stage = 0
        self._masking, self._boxing = Pair(), Pair()
        self._seed = secrets.token_bytes(shamir.BYTES)
        self._roster: dict[str, dict[str, str]] = {}
        self._held: dict[str, dict[str, int]] = {}
        self._survivors: list[str] = []

    def _begin(self, stage: str) -> None:
        """Each step is taken once, in order: a repeated question is refused."""
        if _STAGES[self._stage] != stage:
            raise LearnError(
                f"the hub asked for '{stage}' of a sum that stands at '{_STAGES[self._stage]}'; "
                "nothing was sent"
            )
        self._stage += 1

    def keys(self) -> dict[str, str]:
        """Return fresh public keys, signed."""
        self._begin("keys")
        told = {"mask": self._masking.public.hex(), "box": self._boxing.public.hex()}
        signature = self._signer.sign(keys_text(self._session, self._question, self.name, told))
        return {**told, "certificate": self._signer.der().hex(), "signature": signature.hex()}

    def shares(self, roster: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        """Check who takes part, and return a sealed box with shares for each of the others.

        Raises
        ------
        LearnError
            If there are too few sites, or one is not who it says.
        """
        self._begin("shares")
        self._roster = {site: dict(entry) for site, entry in sorted(roster.items())}
        self._enough(self._roster)
        for site, entry in self._roster.items():
            self._check(site, entry)
        places = list(self._roster)
        threshold = threshold_of(len(places))
        seeds = shamir.split(self._seed, len(places), threshold)
        keys = shamir.split(self._masking.secret(), len(places), threshold)
        boxes = {}
        for place, site in enumerate(places):
            told = {"seed": seeds[place], "key": keys[place]}
            if site == self.name:
                self._held[site] = told
                continue
            content = json.dumps({name: f"{share:x}" for name, share in told.items()}).encode()
            boxes[site] = seal(self._box_key(site, to=site), content).hex()
        return {"boxes": boxes, "seal": seed_seal(self._session, self._seed)}

    def _check(self, site: str, entry: Mapping[str, str]) -> None:
        try:
            certificate = bytes.fromhex(entry["certificate"])
            told = {"mask": entry["mask"], "box": entry["box"]}
            signature = bytes.fromhex(entry["signature"])
        except (KeyError, ValueError, TypeError):
            raise LearnError(f"the keys of site '{site}' are damaged; nothing was sent") from None
        named = self._name_of(certificate)
        text = keys_text(self._session, self._question, site, told)
        if named != site or not verified(certificate, text, signature):
            raise LearnError(
                f"the keys told of site '{site}' are not its own; nothing was sent: "
                "find out who stands between"
            )
        mine = {"mask": self._masking.public.hex(), "box": self._boxing.public.hex()}
        if (site == self.name) != (told == mine):
            raise LearnError("the hub changed this site's keys; nothing was sent")

    def _enough(self, sites: Collection[str]) -> None:
        least = FEWEST if not self._roster else threshold_of(len(self._roster))
        if len(sites) < least or self.name not in sites:
            raise LearnError(
                f"a sum over {len(sites)} sites would tell too much of one of them, and takes "
                f"{least}, this one among them; nothing was sent"
            )

    def _box_key(self, site: str, to: str) -> bytes:
        purpose = f"box {self._session} to {to}"
        return self._boxing.agreed(bytes.fromhex(self._roster[site]["box"]), purpose)

    def masked(self, boxes: Mapping[str, str]) -> Words:
        """Open the boxes of the others, and return the masked answer, (n, limbs).

        Raises
        ------
        LearnError
            If too few are left, a box was changed, or the answer must not be sent.
        """
        self._begin("masked")
        self._enough({self.name, *boxes})
        for site, box in boxes.items():
            if site not in self._roster or site == self.name:
                raise LearnError(f"a box is from '{site}', who takes no part; nothing was sent")
            told = json.loads(unseal(self._box_key(site, to=self.name), bytes.fromhex(box)))
            self._held[site] = {name: int(told[name], 16) for name in ("seed", "key")}
        total = self._ring.encode(self._answer(), len(self._roster))
        count, limbs = total.shape
        total = self._ring.add(total, stream(self._seed, count, limbs))
        for site in boxes:
            other = bytes.fromhex(self._roster[site]["mask"])
            key = self._masking.agreed(other, f"mask {self._session}")
            move = self._ring.add if self.name < site else self._ring.subtract
            total = move(total, stream(key, count, limbs))
        return total

    def confirm(self, survivors: Sequence[str]) -> str:
        """Sign whose answers are added up: of one sum, one list.

        Raises
        ------
        LearnError
            If too few are left, or the question was answered in another circle before.
        """
        self._begin("confirm")
        self._survivors = sorted(survivors)
        self._enough(set(self._survivors))
        if not set(self._survivors) <= set(self._held):
            raise LearnError("the hub counts a site that took no part; nothing was told")
        before = self._memory.circle(self._question)
        if before is not None and sorted(before) != self._survivors:
            raise LearnError(
                "this question was answered before with other sites, and the difference of two "
                "sums tells what one site said; begin the run anew"
            )
        self._memory.note_circle(self._question, self._survivors)
        return self._signer.sign(survivors_text(self._session, self._survivors)).hex()

    def unmask(self, signatures: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Tell one share of each site: of its own mask where it answered, else of its key.

        Raises
        ------
        LearnError
            If too few others were told the same survivors.
        """
        self._begin("unmask")
        text = survivors_text(self._session, self._survivors)
        agreed = {
            site
            for site, signature in signatures.items()
            if site in self._survivors
            and verified(
                bytes.fromhex(self._roster[site]["certificate"]), text, bytes.fromhex(signature)
            )
        }
        self._enough(agreed)
        told: dict[str, dict[str, str]] = {"seed": {}, "key": {}}
        for site, held in self._held.items():
            which = "seed" if site in self._survivors else "key"
            told[which][site] = f"{held[which]:x}"
        self._held = {}
        return told


def keys_text(session: str, question: str, site: str, keys: Mapping[str, str]) -> bytes:
    """Return what a site signs of its keys."""
    told = ["genba federated keys", session, question, site, keys["mask"], keys["box"]]
    return json.dumps(told).encode()


def survivors_text(session: str, survivors: Sequence[str]) -> bytes:
    """Return what a site signs of a list of survivors."""
    return json.dumps(["genba federated survivors", session, *survivors]).encode()


def seed_seal(session: str, seed: bytes) -> str:
    """Return what proves a seed right without telling it."""
    return digest_of("genba federated seed", session, seed.hex())
