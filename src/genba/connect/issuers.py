"""Certificates that an authority vouches for, unless it has revoked them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as EcPublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from genba.errors import DeviceError, Untrusted


def vouched_for(folder: Path, certificate: x509.Certificate, who: str) -> bool:
    """Whether an authority in ``folder`` issued a certificate itself and has not revoked it.

    Raises
    ------
    Untrusted
        If it is revoked, or the authority's list is out of date, so that nobody knows.
    """
    now = dt.datetime.now(dt.UTC)
    for authority in _authorities(folder):
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        if not authority.not_valid_before_utc <= now <= authority.not_valid_after_utc:
            continue
        _require_not_revoked(folder, certificate, authority, who)
        return True
    return False


def read(file: Path) -> tuple[str, bytes, str]:
    """Read an authority's certificate or its revocation list: what it is, its DER, its suffix.

    Raises
    ------
    DeviceError
        If the file is neither, or the certificate may not issue others.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DeviceError(f"{file} cannot be read: {error.strerror}") from None
    listed = _list_of(content)
    if listed is not None:
        issuer = listed.issuer.rfc4514_string()
        return f"revocation list of {issuer}", listed.public_bytes(Encoding.DER), "crl"
    authority = _certificate_of(content)
    if authority is None:
        raise DeviceError(
            f"{file} is neither an authority's certificate nor its revocation list (DER or PEM)"
        )
    if not _may_issue(authority):
        raise DeviceError(
            f"{file} is the certificate of {authority.subject.rfc4514_string()}, which issues "
            "none; give that of the authority, or trust this one alone: genba trust add"
        )
    name = authority.subject.rfc4514_string()
    return f"authority {name}", authority.public_bytes(Encoding.DER), "der"


def _require_not_revoked(
    folder: Path, certificate: x509.Certificate, authority: x509.Certificate, who: str
) -> None:
    lists = [found for found in _lists(folder) if _signed(found, authority)]
    if not lists:
        return
    newest = max(lists, key=lambda found: found.last_update_utc)
    name = authority.subject.rfc4514_string()
    if newest.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        raise Untrusted(
            f"{who}: its certificate was revoked by {name}; give the device a new certificate"
        )
    due = newest.next_update_utc
    if due is not None and due < dt.datetime.now(dt.UTC):
        raise Untrusted(
            f"{who}: the revocation list of {name} ended on {due:%Y-%m-%d}; fetch the new one and "
            "run: genba trust issuer FILE"
        )


def _signed(found: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    key = authority.public_key()
    if found.issuer != authority.subject or not isinstance(key, RSAPublicKey | EcPublicKey):
        return False
    return bool(found.is_signature_valid(key))


def _authorities(folder: Path) -> Iterator[x509.Certificate]:
    for path in sorted(folder.glob("*")):
        found = _certificate_of(path.read_bytes())
        if found is not None and _may_issue(found):
            yield found


def _lists(folder: Path) -> Iterator[x509.CertificateRevocationList]:
    for path in sorted(folder.glob("*")):
        found = _list_of(path.read_bytes())
        if found is not None:
            yield found


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return bool(basic.ca)


def _certificate_of(content: bytes) -> x509.Certificate | None:
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError:
        return None


def _list_of(content: bytes) -> x509.CertificateRevocationList | None:
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(content)
        return x509.load_der_x509_crl(content)
    except ValueError:
        return None
