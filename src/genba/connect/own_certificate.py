"""Make the key and the self-signed certificate that a plant shows to its devices."""

import datetime as dt
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from genba.errors import DeviceError

KEY_BITS = 2048
_VALID = dt.timedelta(days=5 * 365)


def new_key(path: Path) -> rsa.RSAPrivateKey:
    """Make a private key and write it to a new file that only this user reads."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    write_key(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def read_key(path: Path) -> rsa.RSAPrivateKey:
    """Read a private key.

    Raises
    ------
    DeviceError
        If it is no RSA key.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DeviceError(f"{path} holds no RSA key; renew it: genba trust renew --new-key")
    return key


def write_key(path: Path, pem: bytes) -> None:
    """Write a private key to a new file that only this user reads."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)


def certify(key: rsa.RSAPrivateKey, subject: x509.Name, uri: str) -> x509.Certificate:
    """Sign a certificate for a key with the key itself."""
    now = dt.datetime.now(dt.UTC)
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName(socket.gethostname())]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _key_usage() -> x509.KeyUsage:
    """What OPC 10000-6, table 37, asks of an application instance certificate."""
    return x509.KeyUsage(
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
