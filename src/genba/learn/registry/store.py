"""Models by their content: a folder per model, named for the SHA-256 of all that is in it.

::

    models/
      signer.pub                    this plant's public key
      history.jsonl                 what happened to which model, sealed line by line
      objects/3f1c.../manifest.json name and SHA-256 of each file, and the signature
                      card.json     the model card
                      report.md     the card for people
                      model.onnx    what runs at the edge
                      parts.npz     what the recipe makes the model of again
                      rows.npz      a few real windows and the answers to them, for parity later
                      reference.npz what its rows and answers were like, to be watched by
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genba.errors import LearnError
from genba.learn.arrays import AnyArray
from genba.learn.recipe.card import Card
from genba.learn.registry.history import History, What
from genba.learn.registry.signature import PUBLIC, public_text, sign, signing_key, verify

CARD, MODEL, PARTS_FILE, ROWS, REPORT = (
    *("card.json", "model.onnx", "parts.npz", "rows.npz", "report.md"),
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A model that lies in a registry, its files checked against the digest and the signature."""

    digest: str
    folder: Path
    card: Card
    signer: str

    def parts(self) -> dict[str, AnyArray]:
        """Return what the recipe makes the model of again."""
        return read_arrays((self.folder / PARTS_FILE).read_bytes())

    def rows(self) -> dict[str, AnyArray]:
        """Return real windows (``inputs``) and what the model said of them (by output name)."""
        return read_arrays((self.folder / ROWS).read_bytes())

    def onnx(self) -> bytes:
        """Return the ONNX graph."""
        return (self.folder / MODEL).read_bytes()


class Registry:
    """One plant's models.

    Parameters
    ----------
    root : Path
        Folder of the models, ``models`` in the state folder.
    key : Path
        The private key (:data:`genba.learn.registry.signature.KEY` among the secrets); made where
        there is none.
    """

    def __init__(self, root: Path, key: Path) -> None:
        self.root = root
        self.key = key
        self.history = History(root / "history.jsonl")

    def add(
        self,
        files: Mapping[str, bytes],
        time: str,
        *,
        by: str = "",
        data: dict[str, Any] | None = None,
    ) -> Registered:
        """Sign files and keep them for good; the same files are kept once.

        ``files`` must hold a card; :func:`files_of` makes all of them. ``data`` are plain facts for
        the history.

        Raises
        ------
        LearnError
            If the folder cannot be written.
        """
        digest = digest_of_files(files)
        folder = self.root / "objects" / digest
        if not folder.exists():
            key = signing_key(self.key)
            manifest = {
                "format": 1,
                "files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)},
                "digest": digest,
                "signer": public_text(key),
                "signature": sign(key, digest),
            }
            try:
                text = json.dumps(manifest, indent=2) + "\n"
                _write_folder(folder, {**files, "manifest.json": text.encode()})
                (self.root / PUBLIC).write_text(public_text(key) + "\n", "utf-8")
            except OSError as error:
                raise LearnError(
                    f"model {digest[:12]} cannot be kept in {folder}: {error.strerror}; make room, "
                    "or mend the folder's rights"
                ) from None
            self.history.add(What.REGISTERED, digest, time, by=by, data=data)
        return self.get(digest)

    def get(self, name: str, *, trusted: str | None = None) -> Registered:
        """Find a model by its digest, or by the beginning of one, and check every byte of it.

        ``trusted`` is the public key that has to have signed it; default this plant's own.

        Raises
        ------
        LearnError
            If there is none or more than one, a file was altered, or the signature does not hold.
        """
        digest = self._find(name)
        folder = self.root / "objects" / digest
        manifest = _manifest(folder)
        signer = trusted or (self.root / PUBLIC).read_text("utf-8").strip()
        files = _checked_files(folder, manifest)
        if digest_of_files(files) != digest:
            raise _altered(folder, "the manifest")
        verify(signer, digest, str(manifest.get("signature", "")))
        return Registered(digest, folder, card_of(files[CARD], folder), signer)

    def list(self) -> tuple[str, ...]:
        """Return the digests of all models, in the order in which they were registered."""
        told = [event.model for event in self.history.events() if event.what is What.REGISTERED]
        there = self.root / "objects"
        return tuple(digest for digest in told if (there / digest).exists())

    def _find(self, name: str) -> str:
        objects = self.root / "objects"
        having = sorted(path.name for path in objects.glob("*")) if objects.exists() else []
        found = [digest for digest in having if name and digest.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise LearnError(f"'{name}' is the beginning of {len(found)} models; write more of it")
        raise LearnError(f"there is no model '{name}' in {self.root}; see `genba model list`")


def files_of(
    card: Card,
    report: str,
    onnx: bytes,
    parts: Mapping[str, AnyArray],
    rows: Mapping[str, AnyArray],
) -> dict[str, bytes]:
    """Return what a registry keeps of a model, by file name."""
    told = json.dumps(card.as_json(), indent=1, ensure_ascii=False, default=str) + "\n"
    return {
        CARD: told.encode(),
        REPORT: report.encode(),
        MODEL: onnx,
        PARTS_FILE: write_arrays(parts),
        ROWS: write_arrays(rows),
    }


def digest_of_files(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted names and the SHA-256 of each file."""
    told = "".join(f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256(told.encode()).hexdigest()


def write_arrays(arrays: Mapping[str, AnyArray]) -> bytes:
    """Write arrays as an npz file; the same arrays give the same bytes.

    Raises
    ------
    LearnError
        If one of them holds Python objects.
    """
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise LearnError(f"part '{name}' holds Python objects; keep numbers, texts or bytes")
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(arrays[name]) for name in sorted(arrays)})  # type: ignore[arg-type]
    return file.getvalue()


def read_arrays(content: bytes) -> dict[str, AnyArray]:
    """Read arrays; never anything that would run.

    Raises
    ------
    LearnError
        If it is no such file.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (ValueError, OSError, KeyError, EOFError) as error:
        raise LearnError(f"the arrays of a model cannot be read: {error}") from None


def card_of(content: bytes, where: Path) -> Card:
    """Read a card.

    Raises
    ------
    LearnError
        If it is damaged or of a newer format.
    """
    try:
        told = json.loads(content)
        if int(told["format"]) > 1:
            raise LearnError(
                f"{where / CARD} has format {told['format']}, and this Genba reads format 1; "
                "install a newer Genba"
            )
        return Card.from_json(told)
    except (ValueError, KeyError, TypeError):
        raise _altered(where, CARD) from None


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
        return {**found, "files": dict(found["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise _altered(folder, "manifest.json") from None


def _checked_files(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    files = {}
    for name, wanted in manifest["files"].items():
        path = folder / Path(name).name
        try:
            files[name] = path.read_bytes()
        except OSError:
            raise _altered(folder, f"{name} is missing: it") from None
        if hashlib.sha256(files[name]).hexdigest() != wanted:
            raise _altered(folder, name)
    if CARD not in files:
        raise _altered(folder, CARD)
    return files


def _altered(folder: Path, what: str) -> LearnError:
    return LearnError(
        f"{what} of model {folder.name[:12]} was altered or damaged; restore {folder} from a "
        "backup, or train the model anew"
    )


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, then give the folder its name: it is there whole or not at all."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        for name, content in files.items():
            with (draft / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
