"""Who this plant is to its devices, and which devices it trusts: keys and certificates.

One folder per plant::

    own.key.pem    private key (mode 0600)
    own.cert.der   certificate to give to devices
    archive/       own certificates (and keys) from before a renewal
    trusted/       certificates of devices that Genba talks to (DER or PEM, any file name)
    issuers/       authorities whose certificates are trusted, and their revocation lists
    rejected/      those that showed up and were unknown

Trust is by exact certificate, or by an authority that a person put there: the person compares the
fingerprint and moves it with ``genba trust add``. There is no trust on first use.
"""

import datetime as dt
import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from genba.connect import issuers, own_certificate
from genba.errors import DeviceError, Untrusted

RENEW_BEFORE = dt.timedelta(days=30)
"""The own certificate is renewed, and others are complained of, this long before they end."""
_SHORTEST_PREFIX = 6
MOST_REJECTED = 100
"""Unknown certificates that are kept for a person to look at; older ones make room."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The plant's own key and certificate, and the application URI that they speak for."""

    key: Path
    certificate: Path
    uri: str
    fingerprint: str
    not_after: dt.datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate in the trusted or the rejected folder."""

    path: Path
    fingerprint: str
    """SHA-256 of the certificate, lower-case hex."""
    subject: str
    uri: str
    not_after: dt.datetime
    trusted: bool


def ensure_identity(folder: Path, name: str = "genba") -> Identity:
    """Return this plant's identity; make key and self-signed certificate when there are none.

    A certificate that ends within 30 days is renewed, with the same key. Takes some 0.2 s of one
    core the first time. Safe against several processes at once.

    Raises
    ------
    DeviceError
        If the folder cannot be used, the key may be read by others, or the certificate cannot be
        read.
    """
    key, certificate = folder / "own.key.pem", folder / "own.cert.der"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(folder / ".lock"):
            if not (key.exists() and certificate.exists()):
                _create(key, certificate, name)
            elif _load(certificate).not_valid_after_utc - _now() < RENEW_BEFORE:
                _renew(folder, new_key=False)
    except OSError as error:
        raise DeviceError(
            f"the folder of certificates {folder} cannot be used: {error.strerror}; "
            "mend its access rights, or make room"
        ) from None
    if key.stat().st_mode & 0o077:
        raise DeviceError(f"private key {key} can be read by others; run: chmod 600 {key}")
    return _identity(key, certificate)


def renew_identity(folder: Path, *, new_key: bool = False) -> Identity:
    """Replace this plant's certificate by a fresh one; the old one goes to ``archive/``.

    Devices have to trust the new one. While they do not, and the old one is valid, connections
    go on with the old one, unless the key is new as well.

    Raises
    ------
    DeviceError
        If there is none yet, or the folder cannot be used.
    """
    if not (folder / "own.cert.der").exists():
        raise DeviceError(f"there is no certificate in {folder}; genba run makes one")
    try:
        with _locked(folder / ".lock"):
            _renew(folder, new_key=new_key)
    except OSError as error:
        raise DeviceError(
            f"the certificate in {folder} cannot be renewed: {error.strerror}; "
            "mend the folder's access rights, or make room"
        ) from None
    return _identity(folder / "own.key.pem", folder / "own.cert.der")


def former_identity(folder: Path) -> Identity | None:
    """The certificate from before the last renewal, if it is valid still and has the same key."""
    key = folder / "own.key.pem"
    own = _load(folder / "own.cert.der")
    valid = []
    for path in (folder / "archive").glob("*.der"):
        try:
            old = _load(path)
        except DeviceError:
            continue
        same_key = old.public_key() == own.public_key()
        if same_key and old.not_valid_before_utc <= _now() <= old.not_valid_after_utc:
            valid.append((old.not_valid_before_utc, path))
    return _identity(key, max(valid)[1]) if valid else None


def _identity(key: Path, certificate: Path) -> Identity:
    loaded = _load(certificate)
    return Identity(
        key, certificate, _uri(loaded), fingerprint(_der(loaded)), loaded.not_valid_after_utc
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate as lower-case hex."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    return digest.finalize().hex()


def certificates(folder: Path) -> list[Entry]:
    """All trusted and rejected certificates; files that are none are left out."""
    found: list[Entry] = []
    for kind in ("trusted", "rejected"):
        for path in sorted((folder / kind).glob("*")):
            try:
                loaded = _load(path)
            except DeviceError:
                continue
            found.append(
                Entry(
                    path,
                    fingerprint(_der(loaded)),
                    loaded.subject.rfc4514_string(),
                    _uri(loaded),
                    loaded.not_valid_after_utc,
                    kind == "trusted",
                )
            )
    return found


def find(folder: Path, text: str) -> Entry:
    """Find a certificate by its fingerprint or the beginning of it (6 characters or more).

    Raises
    ------
    DeviceError
        If none or several match.
    """
    prefix = text.replace(":", "").lower()
    matches = {
        entry.fingerprint: entry
        for entry in reversed(certificates(folder))
        if len(prefix) >= _SHORTEST_PREFIX and entry.fingerprint.startswith(prefix)
    }
    if len(matches) == 1:
        return next(iter(matches.values()))
    what = "several certificates match" if matches else "no certificate matches"
    raise DeviceError(f"{what} '{text}' in {folder}; genba trust list shows them all")


def trust(folder: Path, certificate: Path | bytes) -> Entry:
    """Trust a certificate (a DER or PEM file, or DER bytes) from now on.

    Raises
    ------
    DeviceError
        If it is no certificate.
    """
    loaded = _load(certificate)
    der = _der(loaded)
    name = fingerprint(der)
    _put(folder / "trusted", f"{name}.der", der)
    (folder / "rejected" / f"{name}.der").unlink(missing_ok=True)
    return find(folder, name)


def distrust(folder: Path, text: str) -> Entry:
    """Trust a certificate no longer, whatever files hold it; it is kept among the rejected ones.

    Raises
    ------
    DeviceError
        If none or several match.
    """
    entry = find(folder, text)
    if entry.trusted:
        _put(folder / "rejected", f"{entry.fingerprint}.der", _der(_load(entry.path)))
        for copy in certificates(folder):
            if copy.trusted and copy.fingerprint == entry.fingerprint:
                copy.path.unlink()
    return entry


def require_trusted(folder: Path, der: bytes, who: str) -> dt.datetime:
    """Let a device's certificate pass only if a person trusted it, or who issued it.

    Gives back until when it is valid.

    Raises
    ------
    Untrusted
        If it is unknown (it is kept in ``rejected/``), revoked, expired or not yet valid.
    """
    name = fingerprint(der)
    loaded = _load(der)
    trusted = any(e.trusted and e.fingerprint == name for e in certificates(folder))
    if not (trusted or issuers.vouched_for(folder / "issuers", loaded, who)):
        _put(folder / "rejected", f"{name}.der", der)
        _make_room(folder / "rejected")
        raise Untrusted(
            f"{who}: its certificate (SHA-256 {name}) is not trusted; compare it with the one on "
            f"the device, then run: genba trust add {name[:16]} --state {folder.parent}"
        )
    if not loaded.not_valid_before_utc <= _now() <= loaded.not_valid_after_utc:
        raise Untrusted(
            f"{who}: its certificate (SHA-256 {name[:16]}) is valid only from "
            f"{loaded.not_valid_before_utc:%Y-%m-%d} to {loaded.not_valid_after_utc:%Y-%m-%d}; "
            "renew it on the device, or set this computer's clock"
        )
    return loaded.not_valid_after_utc


def trust_issuer(folder: Path, file: Path) -> str:
    """Trust all certificates that an authority issues; or take its revocation list.

    Returns what was taken, for people.

    Raises
    ------
    DeviceError
        If the file is neither.
    """
    what, der, suffix = issuers.read(file)
    _put(folder / "issuers", f"{fingerprint(der)}.{suffix}", der)
    return what


def _renew(folder: Path, *, new_key: bool) -> None:
    key_path, path = folder / "own.key.pem", folder / "own.cert.der"
    old = _load(path)
    name = fingerprint(_der(old))[:16]
    _put(folder / "archive", f"{name}.der", _der(old))
    if new_key:
        own_certificate.write_key(folder / "archive" / f"{name}.key.pem", key_path.read_bytes())
        path.unlink()  # never an old certificate beside a new key
        key_path.unlink()
        key = own_certificate.new_key(key_path)
    else:
        key = own_certificate.read_key(key_path)
    _put(folder, path.name, _der(own_certificate.certify(key, old.subject, _uri(old))))


def _create(key_path: Path, certificate_path: Path, name: str) -> None:
    uri = f"urn:{socket.gethostname()}:genba:{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Genba {name}"[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Genba"),
        ]
    )
    certificate_path.unlink(missing_ok=True)  # never an old certificate beside a new key
    key_path.unlink(missing_ok=True)
    key = own_certificate.new_key(key_path)
    certificate = own_certificate.certify(key, subject, uri)
    _put(certificate_path.parent, certificate_path.name, _der(certificate))


def _load(certificate: Path | bytes) -> x509.Certificate:
    try:
        content = certificate if isinstance(certificate, bytes) else certificate.read_bytes()
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except OSError as error:
        raise DeviceError(f"{certificate!s} cannot be read: {error.strerror}") from None
    except ValueError:
        what = "this" if isinstance(certificate, bytes) else str(certificate)
        raise DeviceError(f"{what} is no X.509 certificate; give one in DER or PEM form") from None


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _uri(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


def _put(folder: Path, name: str, der: bytes) -> None:
    draft = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(der)
        draft.replace(folder / name)
    except OSError as error:
        raise DeviceError(
            f"certificate {folder / name} cannot be written: {error.strerror}; "
            "mend the folder's access rights, or make room"
        ) from None


def _make_room(folder: Path) -> None:
    """Let the oldest unknown certificates go: whoever can reach us can show any number of them."""
    with suppress(OSError):  # another process may be doing the same
        kept = sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime)
        for path in kept[: max(0, len(kept) - MOST_REJECTED)]:
            path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
