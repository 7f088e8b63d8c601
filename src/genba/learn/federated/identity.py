"""Who takes part: an authority of the federation, and a certificate for the hub and each site.

Private keys are made where they are used. A site's certificate serves twice: it opens the TLS
connection to the hub, and it signs the keys of each sum, so that the hub cannot put its own in
their place.
"""

import datetime as dt
import ipaddress
import os
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genba.errors import LearnError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_AUTHORITY_DAYS, _DAYS = 3650, 397
Key: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """PEM files: the authority's certificate(s), one's own certificate, and its private key."""

    authority: Path
    certificate: Path
    key: Path

    def check(self, now: dt.datetime) -> str:
        """Return the name that the certificate speaks for.

        Raises
        ------
        LearnError
            If a file cannot be used, others may read the key, the certificate is not valid now,
            does not belong to the key, or is not from the authority.
        """
        own = _certificate(self.certificate)
        key = self._private()
        if own.public_key() != key.public_key():
            raise LearnError(f"{self.key} is not the key of {self.certificate}; give the two")
        return Roster.at(self.authority).name_of(own, now, purpose=None)

    def der(self) -> bytes:
        """Return the certificate as DER."""
        return _certificate(self.certificate).public_bytes(Encoding.DER)

    def sign(self, content: bytes) -> bytes:
        """Sign with the certificate's key."""
        key = self._private()
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(content, ec.ECDSA(SHA256()))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(content, _PSS, SHA256())
        return key.sign(content)

    def _private(self) -> Key:
        try:
            if self.key.stat().st_mode & 0o077:
                raise LearnError(f"key {self.key} can be read by others; run: chmod 600 {self.key}")
            key = load_pem_private_key(self.key.read_bytes(), None)
        except OSError as error:
            raise LearnError(f"key {self.key} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError):
            raise LearnError(f"{self.key} is no PEM key without a password; give one") from None
        if not isinstance(key, Key):
            raise LearnError(f"{self.key} is a key of an unknown kind; take P-256, Ed25519 or RSA")
        return key

    def context(self, *, server: bool) -> ssl.SSLContext:
        """Return TLS 1.3 alone, where both sides show a certificate of the authority.

        Raises
        ------
        LearnError
            If the files cannot be used.
        """
        self._private()
        try:
            role = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
            context = ssl.SSLContext(role)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority)
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # ssl.SSLError is one
            why = getattr(error, "reason", None) or error.strerror
            raise LearnError(
                f"TLS with {self.authority}, {self.certificate} and {self.key} is not possible: "
                f"{why}; give an authority, a certificate and its key, all PEM"
            ) from None
        return context


@dataclass(frozen=True, slots=True)
class Roster:
    """Whose certificates are believed: those that one of these authorities issued itself."""

    authorities: tuple[x509.Certificate, ...]

    @classmethod
    def at(cls, path: Path) -> "Roster":
        """Read the certificates of authorities, PEM.

        Raises
        ------
        LearnError
            If there is none.
        """
        try:
            return cls(tuple(x509.load_pem_x509_certificates(path.read_bytes())))
        except (OSError, ValueError):
            raise LearnError(f"{path} holds no authority's certificate; give one as PEM") from None

    def name_of(
        self,
        certificate: x509.Certificate | bytes,
        now: dt.datetime,
        purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> str:
        """Return the name that a certificate (or its DER) speaks for.

        Raises
        ------
        LearnError
            If it is not from an authority, not valid now, or not for this purpose.
        """
        if isinstance(certificate, bytes):
            try:
                certificate = x509.load_der_x509_certificate(certificate)
            except ValueError:
                raise LearnError("a certificate cannot be read; it is refused") from None
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else ""
        if not _NAME.fullmatch(name):
            raise LearnError(f"certificate '{name[:60]}' names no site; sign a request for one")
        if not any(_issued(certificate, authority) for authority in self.authorities):
            raise LearnError(
                f"the certificate of '{name}' is not from this federation's authority; "
                "sign a request with it"
            )
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise LearnError(
                f"the certificate of '{name}' is valid from {certificate.not_valid_before_utc:%F} "
                f"to {certificate.not_valid_after_utc:%F}, and not now; sign a new one"
            )
        if purpose is not None and purpose not in _purposes(certificate):
            raise LearnError(f"the certificate of '{name}' is not one of a site; sign one for it")
        return name


def verified(certificate: bytes, content: bytes, signature: bytes) -> bool:
    """Whether the holder of a certificate (DER) signed a content."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, content, ec.ECDSA(SHA256()))
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, content, _PSS, SHA256())
        elif isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, content)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def make_authority(folder: Path, name: str, now: dt.datetime) -> Path:
    """Make an authority, ``authority.pem`` and ``authority.key``; returns the certificate.

    Raises
    ------
    LearnError
        If there is one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:60])])
    builder = _builder(subject, subject, key.public_key(), now, _AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = builder.add_extension(_usage(signs_others=True), critical=True).sign(key, SHA256())
    _write(folder / "authority.key", _private_pem(key), 0o600)
    _write(folder / "authority.pem", made.public_bytes(Encoding.PEM), 0o644)
    return folder / "authority.pem"


def make_request(folder: Path, name: str, hosts: Sequence[str] = ()) -> Path:
    """Make a key and a request, ``<name>.key`` and ``<name>.csr``, where the key will be used.

    ``hosts`` are the names and addresses of a hub; a site has none.

    Raises
    ------
    LearnError
        If the name is no plain one, or a key of that name is there.
    """
    if not _NAME.fullmatch(name):
        raise LearnError(f"'{name}' cannot name a site; take a-z, 0-9 and '-', 40 at most")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
        )
    _write(folder / f"{name}.key", _private_pem(key), 0o600)
    request = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    _write(folder / f"{name}.csr", request, 0o644)
    return folder / f"{name}.csr"


def sign_request(authority: Path, request: Path, now: dt.datetime, days: int = _DAYS) -> Path:
    """Sign a request, ``<name>.csr``; returns the certificate, ``<name>.pem`` beside it.

    A request with hosts becomes a hub's certificate, which can never act as a site's.

    Raises
    ------
    LearnError
        If a file cannot be used, or there is a certificate already.
    """
    issuer = _certificate(authority)
    key = Identity(authority, authority, authority.with_suffix(".key"))._private()
    try:
        asked = x509.load_pem_x509_csr(request.read_bytes())
    except (OSError, ValueError):
        raise LearnError(f"{request} is no request; make one where the key is to be used") from None
    names = asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not asked.is_signature_valid or not names or not _NAME.fullmatch(str(names[0].value)):
        raise LearnError(f"{request} was changed or names no site; make a new request")
    builder = _builder(asked.subject, issuer.subject, asked.public_key(), now, days)
    try:
        hosts = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(hosts, critical=False)
    except x509.ExtensionNotFound:
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    builder = builder.add_extension(_usage(signs_others=False), critical=True)
    made = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    _write(request.with_suffix(".pem"), made.public_bytes(Encoding.PEM), 0o644)
    return request.with_suffix(".pem")


_PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise LearnError(f"certificate {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise LearnError(f"{path} is no certificate; give one as PEM") from None


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _purposes(certificate: x509.Certificate) -> Sequence[x509.ObjectIdentifier]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: object,
    now: dt.datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public),  # type: ignore[arg-type]
            critical=False,
        )
    )


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_others,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise LearnError(f"{path} is there already; move it away first") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
