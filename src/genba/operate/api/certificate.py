"""TLS of the API: a certificate that somebody gives, or one of our own that clients can pin."""

import datetime as dt
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from genba.errors import GenbaError
from genba.operate.state import write_atomically

VALID = dt.timedelta(days=397)
RENEWED_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificate chain and private key, PEM files. ``own`` where Genba signed it itself."""

    certificate: Path
    key: Path
    own: bool = False

    def context(self) -> ssl.SSLContext:
        """Return what a server needs: TLS 1.2 or newer, ciphers with forward secrecy.

        Raises
        ------
        GenbaError
            If the files cannot be used, do not belong together, or others may read the key.
        """
        try:
            if self.key.stat().st_mode & 0o077:
                raise GenbaError(f"private key {self.key} can be read by others; chmod 600 it")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
            context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except OSError as error:  # ssl.SSLError is one
            why = getattr(error, "reason", None) or error.strerror
            raise GenbaError(
                f"TLS with {self.certificate} and {self.key} is not possible: {why}; give a "
                "certificate and its key, both as PEM, with --tls-cert and --tls-key"
            ) from None
        return context

    def fingerprint(self) -> str:
        """SHA-256 of the certificate, lower-case hex."""
        loaded = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return loaded.fingerprint(hashes.SHA256()).hex()


def own_tls(pki: Path, host: str) -> Tls:
    """Return a certificate of our own for this computer; make or renew it where needed.

    It names the host, loopback, and ``host``, and is renewed, with a new key, when it has 30 days
    left or lacks a name. Clients pin it: ``GENBA_CA=<pki>/api.cert.pem``.
    """
    tls = Tls(pki / "api.cert.pem", pki / "api.key.pem", own=True)
    names = _names(host)
    if not _holds(tls, names):
        pki.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(tls, names)
    return tls


def _names(host: str) -> list[x509.GeneralName]:
    hosts = dict.fromkeys((host, socket.gethostname(), "localhost", "127.0.0.1", "::1"))
    found: list[x509.GeneralName] = []
    for one in hosts:
        try:
            address = ipaddress.ip_address(one)
        except ValueError:
            found.append(x509.DNSName(one))
        else:
            if address.is_unspecified:
                found += [x509.IPAddress(own) for own in _own_addresses()]
            else:
                found.append(x509.IPAddress(address))
    return list(dict.fromkeys(found))


def _own_addresses() -> Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses that this computer's name stands for."""
    try:
        told = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return []
    texts = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in told)
    return [ipaddress.ip_address(text) for text in texts]


def _holds(tls: Tls, names: list[x509.GeneralName]) -> bool:
    if not (tls.certificate.exists() and tls.key.exists()):
        return False
    try:
        loaded = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
        told = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    left = loaded.not_valid_after_utc - dt.datetime.now(dt.UTC)
    return left > RENEWED_BEFORE and set(names) <= set(told)


def _make(tls: Tls, names: list[x509.GeneralName]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"Genba API {socket.gethostname()}"[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Genba"),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # Signed by itself and pinned: it must not be able to vouch for anything else.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    tls.key.unlink(missing_ok=True)
    write_atomically(tls.key, pem, mode=0o600)
    os.chmod(tls.key, 0o600)
    write_atomically(tls.certificate, certificate.public_bytes(Encoding.PEM).decode())


def _no_password() -> bytes:
    """Keep OpenSSL from asking on the terminal: a service has nobody to answer."""
    raise GenbaError("the private key of --tls-key is encrypted; store it decrypted, mode 0600")
