"""A release in one piece: model, card, probe rows and signature, named for its content.

::

    genba-model-1             what this is, and the end of a line
    manifest as one line of JSON: format, and of each part its bytes and SHA-256
    signature of that line, base64, on a line
    the parts, one after the other, in the order of the manifest

The address of a bundle is the SHA-256 of its manifest, and thereby of all its parts. Nothing in
it is ever executed or unpickled: the model is an ONNX graph without external data, the probe rows
are bare float32 numbers, the reference holds bare arrays.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genba.errors import LearnError
from genba.learn.edge.contract import Contract, Misfit
from genba.learn.edge.keys import ReleaseKey, Trust

MAGIC = b"genba-model-1\n"
MODEL, CARD, ROWS, ANSWERS = "model.onnx", "card.json", "rows.f32", "answers.f32"
PARTS = (MODEL, CARD, ROWS, ANSWERS)
REFERENCE = "reference.npz"
"""May stand behind the others: what a machine watches the model by."""
MOST_REFERENCE = 4 * 2**20
MOST_BYTES = 256 * 2**20
LONGEST_MANIFEST = 4096

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A release whose parts are whole; whether it may be used is for signature and shadow to say.

    ``rows`` (n, window, columns) are real windows, and ``answers`` (n,) what the model said to
    them where it was made. ``reference`` is what it is watched by, as arrays in an npz file
    (:class:`genba.learn.watch.kept.Reference`); None where it keeps nothing of the kind.
    """

    address: str
    model: bytes
    contract: Contract
    rows: Floats32
    answers: Floats32
    content: bytes
    card: Mapping[str, Any]
    reference: bytes | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the registered model that it was made of; empty where its card names none."""
        return str(self.card.get("model", ""))


def seal(
    model: bytes,
    card: Mapping[str, Any],
    rows: Floats32,
    answers: Floats32,
    key: ReleaseKey,
    reference: bytes | None = None,
) -> bytes:
    """Pack and sign a release.

    Parameters
    ----------
    model : bytes
        ONNX graph.
    card : mapping
        Plain values; those of :class:`Contract` must be among them.
    rows, answers : float32
        Real windows (n, window, columns) and the model's answers (n,); at least one.
    key : ReleaseKey
        Who signs.
    reference : bytes, optional
        What a machine watches it by, at most :data:`MOST_REFERENCE` bytes.

    Raises
    ------
    LearnError
        If the card or the rows do not fit, or the reference is too large.
    """
    contract = Contract.from_plain(card)
    _check_reference(contract, reference)
    _check_rows(contract, rows, answers)
    parts = {
        MODEL: model,
        CARD: json.dumps(dict(card), sort_keys=True, separators=(",", ":")).encode(),
        ROWS: np.ascontiguousarray(rows, "<f4").tobytes(),
        ANSWERS: np.ascontiguousarray(answers, "<f4").tobytes(),
        **({} if reference is None else {REFERENCE: reference}),
    }
    listed = [[name, len(part), hashlib.sha256(part).hexdigest()] for name, part in parts.items()]
    manifest = json.dumps({"format": 1, "parts": listed}, separators=(",", ":")).encode()
    signature = base64.b64encode(key.sign(manifest))
    return b"".join([MAGIC, manifest, b"\n", signature, b"\n", *parts.values()])


def address_of(content: bytes) -> str:
    """Return the address of a bundle, without looking at its parts.

    Raises
    ------
    LearnError
        If it is no bundle.
    """
    return hashlib.sha256(_split(content)[0]).hexdigest()


def open_bundle(content: bytes, trust: Trust) -> Bundle:
    """Check signature and digests, then read the parts. Nothing is read before it is trusted.

    Raises
    ------
    LearnError
        If it is no bundle, is not signed by a trusted key, was altered, or its parts do not fit.
    """
    manifest, signature, body = _split(content)
    if trust.signer(manifest, signature) is None:
        raise LearnError(
            "the release is not signed by a trusted key, or was altered; take it from its source "
            "again, or trust its key"
        )
    parts = _parts(manifest, body)
    contract = Contract.from_json(parts[CARD])
    try:
        rows = np.frombuffer(parts[ROWS], "<f4").reshape(-1, *contract.shape)
        answers = np.frombuffer(parts[ANSWERS], "<f4")
    except ValueError:
        raise Misfit(
            f"the probe rows of model '{contract.name}' do not have the shape of its card, "
            f"{list(contract.shape)}; release it with the card that belongs to it"
        ) from None
    _check_rows(contract, rows, answers)
    reference = parts.get(REFERENCE)
    _check_reference(contract, reference)
    address = hashlib.sha256(manifest).hexdigest()
    card = json.loads(parts[CARD])
    return Bundle(address, parts[MODEL], contract, rows, answers, content, card, reference)


def _split(content: bytes) -> tuple[bytes, bytes, memoryview]:
    """Return manifest, signature and the parts together."""
    if len(content) > MOST_BYTES:
        raise LearnError(f"a release of {len(content):,} bytes is too large to be one")
    if not content.startswith(MAGIC):
        raise LearnError("this is no release of a model; make one with `genba edge pack`")
    start = len(MAGIC)
    middle = content.find(b"\n", start, start + LONGEST_MANIFEST)
    end = content.find(b"\n", middle + 1, middle + 200)
    if middle < 0 or end < 0:
        raise LearnError("the release is cut off or garbled; send it again")
    try:
        signature = base64.b64decode(content[middle + 1 : end], validate=True)
    except ValueError:
        raise LearnError("the signature of the release is garbled; send it again") from None
    return content[start:middle], signature, memoryview(content)[end + 1 :]


def _parts(manifest: bytes, body: memoryview) -> dict[str, bytes]:
    try:
        told = json.loads(manifest)
        listed = [(str(name), int(size), str(digest)) for name, size, digest in told["parts"]]
        version = told["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise LearnError("the manifest of the release is garbled; release the model anew") from None
    names = tuple(name for name, _, _ in listed)
    if version != 1 or names not in (PARTS, (*PARTS, REFERENCE)):
        raise LearnError("the release is of a format that this Genba does not know; upgrade it")
    if sum(size for _, size, _ in listed) != len(body) or min(size for _, size, _ in listed) < 0:
        raise LearnError("the release is cut off, or has something behind its end; send it again")
    parts, place = {}, 0
    for name, size, digest in listed:
        part = bytes(body[place : place + size])
        place += size
        if hashlib.sha256(part).hexdigest() != digest:
            raise LearnError(f"{name} of the release was altered on the way; send it again")
        parts[name] = part
    return parts


def _check_reference(contract: Contract, reference: bytes | None) -> None:
    if reference is not None and len(reference) > MOST_REFERENCE:
        raise LearnError(
            f"what model '{contract.name}' is watched by takes {len(reference):,} bytes, and "
            f"{MOST_REFERENCE:,} may be; train it on fewer columns"
        )


def _check_rows(contract: Contract, rows: Floats32, answers: Floats32) -> None:
    if rows.shape[1:] != contract.shape or len(rows) == 0 or answers.shape != (len(rows),):
        raise Misfit(
            f"model '{contract.name}': {rows.shape} probe rows and {answers.shape} answers; give "
            f"windows of shape {contract.shape} and one answer for each"
        )
