"""Keys and certificates of the testbed's devices, and the certificates that they trust.

A runtime folder holds what a control cabinet would: ``keys/<device>.key.pem`` (0600) and
``certs/<device>.cert.der`` for each device, ``trusted/`` with the certificates of clients that may
connect (DER or PEM), ``rejected/`` with those that knocked and were unknown: moving a file from
there to ``trusted/`` trusts that client, at once.
"""

import datetime as dt
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genba.errors import TestbedError

_VALID = dt.timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Where a device's key and certificate lie, and the application URI that they speak for."""

    uri: str
    key: Path
    certificate: Path


def ensure_identity(runtime: Path, device: str, host: str) -> DeviceIdentity:
    """Return the device's identity, made on first use. About 0.1 s of one core when it is made."""
    keys, certificates = runtime / "keys", runtime / "certs"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificates.mkdir(exist_ok=True)
    identity = DeviceIdentity(
        uri=f"urn:genba:testbed:{device}",
        key=keys / f"{device}.key.pem",
        certificate=certificates / f"{device}.cert.der",
    )
    if not (identity.key.exists() and identity.certificate.exists()):
        _create(identity, device, host)
    return identity


def trusted_folder(runtime: Path) -> Path:
    """Folder of the client certificates that devices accept."""
    folder = runtime / "trusted"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def trust(runtime: Path, certificate: Path) -> Path:
    """Let the holder of a certificate (DER or PEM) connect; returns where it was put.

    Raises
    ------
    TestbedError
        If the file is no certificate.
    """
    der = _read_der(certificate)
    if der is None:
        raise TestbedError(
            f"{certificate} is no X.509 certificate; give the client's own certificate, DER or PEM"
        )
    target = trusted_folder(runtime) / f"{_fingerprint(der)}.der"
    target.write_bytes(der)
    return target


def is_trusted(runtime: Path, der: bytes) -> bool:
    """Whether a certificate lies in the trusted folder now, byte for byte."""
    return any(_read_der(path) == der for path in trusted_folder(runtime).iterdir())


def reject(runtime: Path, der: bytes) -> None:
    """Keep an unknown certificate, so that a person can look at it and trust it."""
    folder = runtime / "rejected"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{_fingerprint(der)}.der").write_bytes(der)


def _create(identity: DeviceIdentity, device: str, host: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, device[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Genba testbed"),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(_names(identity.uri, host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(identity.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    identity.certificate.write_bytes(certificate.public_bytes(Encoding.DER))


def _names(uri: str, host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri)]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    names.append(x509.DNSName(socket.gethostname()))
    return names


def _read_der(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
        return x509.load_der_x509_certificate(content).public_bytes(Encoding.DER)
    except (OSError, ValueError):
        return None


def _fingerprint(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA1()).hex()  # noqa: S303
