"""Identities and trust: made once, kept private, decided by a person."""

import datetime as dt
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from tests.connect.opcua_device import give_identity
from typer.testing import CliRunner

from genba.cli.trust import app
from genba.connect import own_certificate, pki
from genba.errors import DeviceError, Untrusted
from genba.operate.state import StateFolder


@pytest.fixture
def stranger(tmp_path):
    return give_identity(tmp_path / "stranger", "stranger").certificate


def test_an_identity_is_made_once_with_a_private_key_that_only_we_read(tmp_path):
    first = pki.ensure_identity(tmp_path / "pki", "plant 7")
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    assert pki.ensure_identity(tmp_path / "pki", "another") == first
    key = load_pem_private_key(first.key.read_bytes(), None)
    certificate = x509.load_der_x509_certificate(first.certificate.read_bytes())
    assert key.key_size >= 2048
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [first.uri]
    assert first.uri.endswith(":genba:plant-7")
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)


def test_many_at_once_get_the_same_identity(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: pki.ensure_identity(tmp_path / "pki"), range(8)))
    assert len(set(made)) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path):
    identity = give_identity(tmp_path / "pki", "genba")
    identity.key.chmod(0o640)
    with pytest.raises(DeviceError, match="chmod 600"):
        pki.ensure_identity(tmp_path / "pki")


def test_an_unknown_certificate_is_kept_and_named_until_it_is_trusted(tmp_path, stranger):
    folder = tmp_path / "state" / "pki"
    der = stranger.read_bytes()
    with pytest.raises(Untrusted) as error:
        pki.require_trusted(folder, der, "press-1")
    assert pki.fingerprint(der) in str(error.value)
    assert "genba trust add" in str(error.value)
    [entry] = pki.certificates(folder)
    assert not entry.trusted

    pki.trust(folder, der)
    pki.require_trusted(folder, der, "press-1")
    [entry] = pki.certificates(folder)
    assert entry.trusted

    pki.distrust(folder, entry.fingerprint[:8])
    with pytest.raises(Untrusted):
        pki.require_trusted(folder, der, "press-1")


def test_an_expired_certificate_is_not_enough_even_when_trusted(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old")])
    end = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(end - dt.timedelta(days=365))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    der = certificate.public_bytes(Encoding.DER)
    pki.trust(tmp_path, der)
    with pytest.raises(Untrusted, match="2020-01-01"):
        pki.require_trusted(tmp_path, der, "press-1")


@pytest.mark.parametrize("text", ["", "ab", "zzzzzz", "0" * 64])
def test_a_fingerprint_that_matches_nothing_is_an_error(tmp_path, stranger, text):
    pki.trust(tmp_path, stranger)
    with pytest.raises(DeviceError, match="no certificate matches"):
        pki.find(tmp_path, text)


def test_what_is_no_certificate_is_not_trusted(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    with pytest.raises(DeviceError, match=r"notes.txt is no X.509 certificate"):
        pki.trust(tmp_path, file)
    with pytest.raises(DeviceError, match="cannot be read"):
        pki.trust(tmp_path, tmp_path / "missing.der")


def test_taking_trust_back_takes_every_copy_of_the_certificate(tmp_path, stranger):
    pki.trust(tmp_path, stranger)
    (tmp_path / "trusted" / "press.der").write_bytes(stranger.read_bytes())
    pki.distrust(tmp_path, pki.fingerprint(stranger.read_bytes()))
    with pytest.raises(Untrusted, match="is not trusted"):
        pki.require_trusted(tmp_path, stranger.read_bytes(), "press-1")


def test_strangers_cannot_fill_the_disk(tmp_path, stranger, monkeypatch):
    monkeypatch.setattr(pki, "MOST_REJECTED", 3)
    rejected = tmp_path / "rejected"
    rejected.mkdir()
    for number in range(5):
        old = rejected / f"{number}.der"
        old.write_bytes(b"an earlier one")
        os.utime(old, (number, number))
    with pytest.raises(Untrusted):
        pki.require_trusted(tmp_path, stranger.read_bytes(), "press-1")
    newest = f"{pki.fingerprint(stranger.read_bytes())}.der"
    assert {path.name for path in rejected.iterdir()} == {"3.der", "4.der", newest}


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_device(tmp_path, stranger):
    (tmp_path / "pki").write_text("a file where the folder should be")
    with pytest.raises(DeviceError, match=r"pki cannot be used.*") as error:
        pki.ensure_identity(tmp_path / "pki")
    assert "\n" not in str(error.value)
    (tmp_path / "rejected").write_text("likewise")
    with pytest.raises(DeviceError, match=r"rejected.* cannot be written"):
        pki.require_trusted(tmp_path, stranger.read_bytes(), "press-1")


def test_the_command_line_lists_trusts_and_removes(tmp_path, stranger):
    state = StateFolder(tmp_path / "state").root
    der = stranger.read_bytes()
    with pytest.raises(Untrusted):
        pki.require_trusted(state / "pki", der, "press-1")
    fingerprint = pki.fingerprint(der)

    def genba_trust(*arguments):
        return CliRunner().invoke(app, [*arguments, "--state", str(state)])

    assert '"status": "rejected"' in genba_trust("list", "--json").output
    assert genba_trust("add", fingerprint[:16]).exit_code == 0
    pki.require_trusted(state / "pki", der, "press-1")
    assert fingerprint in genba_trust("show", fingerprint[:16], "--json").output
    assert genba_trust("remove", fingerprint[:16]).exit_code == 0
    with pytest.raises(Untrusted):
        pki.require_trusted(state / "pki", der, "press-1")
    assert genba_trust("add", str(stranger)).exit_code == 0
    assert genba_trust("add", "abcdef").exit_code == 1


def _shortened(folder, days):
    """Give the plant in ``folder`` a certificate that ends in so many days."""
    identity = give_identity(folder, "genba")
    key = load_pem_private_key(identity.key.read_bytes(), None)
    own = x509.load_der_x509_certificate(identity.certificate.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_certificate, "_VALID", dt.timedelta(days=days))
        made = own_certificate.certify(key, own.subject, identity.uri)
    identity.certificate.write_bytes(made.public_bytes(Encoding.DER))
    return pki.fingerprint(made.public_bytes(Encoding.DER))


def test_a_certificate_that_ends_soon_is_renewed_by_itself_and_the_old_one_kept(tmp_path):
    folder = tmp_path / "pki"
    old = _shortened(folder, days=20)
    key = (folder / "own.key.pem").read_bytes()
    renewed = pki.ensure_identity(folder)
    assert renewed.fingerprint != old
    assert renewed.not_after > dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    assert (folder / "own.key.pem").read_bytes() == key
    assert pki.ensure_identity(folder) == renewed
    former = pki.former_identity(folder)
    assert (former.fingerprint, former.uri) == (old, renewed.uri)


def test_a_certificate_that_lasts_is_left_as_it_is(tmp_path):
    old = _shortened(tmp_path / "pki", days=40)
    assert pki.ensure_identity(tmp_path / "pki").fingerprint == old
    assert pki.former_identity(tmp_path / "pki") is None


def test_an_expired_certificate_is_renewed_and_never_shown_again(tmp_path):
    _shortened(tmp_path / "pki", days=-0.5)
    assert pki.ensure_identity(tmp_path / "pki").not_after > dt.datetime.now(dt.UTC)
    assert pki.former_identity(tmp_path / "pki") is None


def test_a_person_renews_with_a_new_key_too(tmp_path):
    state = StateFolder(tmp_path / "state")
    before = give_identity(state.pki, "genba")
    old_key = before.key.read_bytes()
    done = CliRunner().invoke(app, ["renew", "--state", str(state.root), "--new-key"])
    assert done.exit_code == 0, done.output
    after = pki.ensure_identity(state.pki)
    assert after.fingerprint != before.fingerprint
    assert after.uri == before.uri
    assert after.key.read_bytes() != old_key
    assert stat.S_IMODE(after.key.stat().st_mode) == 0o600
    (kept,) = (state.pki / "archive").glob("*.key.pem")
    assert kept.read_bytes() == old_key
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert pki.former_identity(state.pki) is None  # it has another key


class Authority:
    """Issues certificates, and revokes them."""

    def __init__(self, name="Plant CA"):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), ca=True)

    def issue(self, name):
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return self._sign(subject, key.public_key(), ca=False)

    def _sign(self, subject, key, *, ca):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=100))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def revokes(self, *certificates, ends_in_days=7):
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        made = made.last_update(now - dt.timedelta(days=10))
        made = made.next_update(now + dt.timedelta(days=ends_in_days))
        for each in certificates:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number)
            made = made.add_revoked_certificate(entry.revocation_date(now).build())
        return made.sign(self.key, hashes.SHA256())


def test_an_authority_vouches_for_its_devices_until_it_revokes_them(tmp_path):
    authority, state = Authority(), StateFolder(tmp_path / "state")
    press, mill = (authority.issue(name).public_bytes(Encoding.DER) for name in ("press", "mill"))
    with pytest.raises(Untrusted, match="not trusted"):
        pki.require_trusted(state.pki, press, "press-1")

    def take(found):
        file = tmp_path / "given.pem"
        file.write_bytes(found.public_bytes(Encoding.PEM))
        return CliRunner().invoke(app, ["issuer", str(file), "--state", str(state.root)])

    assert "authority CN=Plant CA" in take(authority.certificate).output
    assert pki.require_trusted(state.pki, press, "press-1") > dt.datetime.now(dt.UTC)
    stranger = Authority().issue("press").public_bytes(Encoding.DER)  # of the same name
    with pytest.raises(Untrusted, match="not trusted"):
        pki.require_trusted(state.pki, stranger, "press-1")
    revoked = x509.load_der_x509_certificate(press)
    assert "revocation list of CN=Plant CA" in take(authority.revokes(revoked)).output
    with pytest.raises(Untrusted, match="revoked by CN=Plant CA"):
        pki.require_trusted(state.pki, press, "press-1")
    pki.require_trusted(state.pki, mill, "mill-1")
    assert take(authority.issue("end of the chain")).exit_code != 0


def test_a_revocation_list_that_ended_is_not_relied_on(tmp_path):
    authority = Authority()
    for name, found in (
        ("ca", authority.certificate),
        ("list", authority.revokes(ends_in_days=-1)),
    ):
        (tmp_path / name).write_bytes(found.public_bytes(Encoding.PEM))
        pki.trust_issuer(tmp_path / "pki", tmp_path / name)
    der = authority.issue("press").public_bytes(Encoding.DER)
    with pytest.raises(Untrusted, match="genba trust issuer"):
        pki.require_trusted(tmp_path / "pki", der, "press-1")
