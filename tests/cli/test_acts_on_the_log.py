"""Commands that change, copy or take data out of a plant's state are on the audit log."""

from pathlib import Path

import pytest
from tests.cli.command import genba

from genba.connect.pki import ensure_identity, renew_identity
from genba.historian import Historian
from genba.operate.api.certificate import own_tls
from genba.operate.audit import entries, verify
from genba.operate.state import StateFolder
from genba.plant import Sample, SystemClock


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = StateFolder(tmp_path / "state")
    clock = SystemClock()
    now = clock.now()
    with Historian.open(folder.historian, clock) as historian:
        historian.append([Sample("saw.power", now - n, now, 1.5, 0, n) for n in range(3)])
    return tmp_path / "state"


def acts(state: Path) -> list[tuple[str, str]]:
    return [(entry.action, str(entry.result)) for entry in entries(state / "audit")]


def test_data_that_leaves_is_told(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    told = genba("historian", "export", "saw.power", "-o", out, "--state", state)
    assert told.exit_code == 0, told.output
    assert acts(state) == [("export", "done")]


def test_backups_are_told_and_hold_no_private_key(state: Path, tmp_path: Path) -> None:
    ensure_identity(state / "pki")
    renew_identity(state / "pki", new_key=True)
    own_tls(state / "pki", "127.0.0.1")
    told = genba("backup", "make", state, tmp_path / "backups")
    assert told.exit_code == 0, told.output
    assert acts(state) == [("backup", "done")]
    (made,) = [path for path in (tmp_path / "backups").iterdir() if path.is_dir()]
    contents = [path.read_bytes() for path in made.rglob("*") if path.is_file()]
    assert not any(b"PRIVATE KEY" in content for content in contents)
    told = genba("restore", made, tmp_path / "again")
    assert told.exit_code == 0, told.output
    assert acts(tmp_path / "again")[-1] == ("restore", "done")
    assert verify(tmp_path / "again" / "audit").sound


def test_sealed_backups_bring_every_key_back(state: Path, tmp_path: Path) -> None:
    ensure_identity(state / "pki")
    renew_identity(state / "pki", new_key=True)
    words = ("--with-secrets", "--passphrase", "a horse in the rain")
    assert genba("backup", "make", state, tmp_path / "backups", *words).exit_code == 0
    (made,) = [path for path in (tmp_path / "backups").iterdir() if path.is_dir()]
    assert genba("restore", made, tmp_path / "again", *words).exit_code == 0
    keys = {path.relative_to(state): path.read_bytes() for path in state.rglob("*.key.pem")}
    assert len(keys) == 2
    for name, content in keys.items():
        assert (tmp_path / "again" / name).read_bytes() == content
        assert (tmp_path / "again" / name).stat().st_mode & 0o077 == 0


def test_trusting_a_device_is_told(state: Path, tmp_path: Path) -> None:
    other = ensure_identity(tmp_path / "device")
    assert genba("trust", "add", other.certificate, "--state", state).exit_code == 0
    assert genba("trust", "remove", other.fingerprint, "--state", state).exit_code == 0
    assert acts(state) == [("trust.add", "done"), ("trust.remove", "done")]
    (first, _) = entries(state / "audit")
    assert first.detail["fingerprint"] == other.fingerprint
