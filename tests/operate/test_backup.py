"""Backups: made under load they have all that was acknowledged before, nothing twice; what is
damaged is found; secrets stay out or are sealed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from genba.errors import StateError
from genba.historian import Historian
from genba.operate.backup import MANIFEST, back_up, newest
from genba.operate.manifest import Manifest, digest_of
from genba.operate.restore import restore
from genba.operate.sealed_box import seal, unseal
from genba.operate.state import StateFolder
from genba.plant import US, Sample, SystemClock, parse_time

START = parse_time("2026-01-05T06:00:00Z")
END = START + 10**9 * US
PASSPHRASE = "correct horse battery"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = StateFolder(tmp_path / "plant" / "state")
    (folder.pki / "own.cert.der").write_bytes(b"public")
    (folder.pki / "own.key.pem").write_bytes(b"very private")
    (folder.secrets / "credentials.yaml").write_text("mill: {user: a, password: hunter2}")
    (folder.audit / "log").write_text("line\n")
    (tmp_path / "plant" / "plant.yaml").write_text("genba: 1\nid: works\n")
    return folder.root


def samples(first: int, count: int) -> list[Sample]:
    return [
        Sample(f"m.{n % 20}", START + n * 1000, START + n * 1000, float(n), 0, n)
        for n in range(first, first + count)
    ]


def numbers(historian: Historian) -> list[int]:
    table = historian.samples([f"m.{n}" for n in range(20)], START, END)
    return sorted(table["sequence"].to_pylist())


class Load:
    """A thread that appends 250 samples every 50 ms: 5,000 a second."""

    def __init__(self, historian: Historian) -> None:
        self._historian = historian
        self._stop = threading.Event()
        self.acknowledged = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += 0.05
            self._historian.append(samples(self.acknowledged, 250))
            self.acknowledged += 250

    @contextmanager
    def running(self) -> Iterator[None]:
        self.thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self.thread.join()

    def reaches(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while self.acknowledged < count:
            assert time.monotonic() < deadline
            assert self.thread.is_alive()
            time.sleep(0.005)


def test_a_backup_under_load_has_all_of_before_and_nothing_twice(
    state: Path, tmp_path: Path
) -> None:
    with Historian.open(state / "historian", SystemClock()) as historian:
        historian.start_committing(0.1)  # commits and merges all the time
        load = Load(historian)
        made = []
        with load.running():
            for n in range(4):
                load.reaches(2500 * (n + 1))
                before = load.acknowledged
                made.append((before, back_up(state, tmp_path / "backups")))
    for n, (before, backup) in enumerate(made):
        restored = tmp_path / f"restored-{n}"
        restore(backup, restored)
        with Historian.open(restored / "historian", SystemClock()) as historian:
            found = numbers(historian)
            assert found == list(range(len(found)))
            assert len(found) >= before
            historian.commit()  # what the spool and a table both have is moved once
            assert numbers(historian) == found
            rolled = historian.rollup(
                [f"m.{n}" for n in range(20)], START, START + 3600 * US, US * 60
            )
            assert sum(rolled["count"].to_pylist()) == len(found)
            historian.append(samples(len(found), 10))
            assert numbers(historian) == list(range(len(found) + 10))


def test_a_restored_state_answers_the_same(state: Path, tmp_path: Path) -> None:
    signals = [f"m.{n}" for n in range(20)]
    with Historian.open(state / "historian", SystemClock()) as historian:
        historian.append(samples(0, 5000))
        historian.append_rows("events", [{"id": "E-1", "time": START, "text": "hello"}])
        historian.commit()
        historian.append(samples(5000, 100))
        wanted = historian.samples(signals, START, END)
        events = historian.rows("events")
        backup = back_up(state, tmp_path / "backups", plant=state.parent / "plant.yaml")
    restore(backup, tmp_path / "new")
    with Historian.open(tmp_path / "new" / "historian", SystemClock(), read_only=True) as reader:
        assert reader.samples(signals, START, END).equals(wanted)
        assert reader.rows("events").equals(events)
    assert (tmp_path / "new" / "plant.yaml").read_text() == "genba: 1\nid: works\n"
    StateFolder(tmp_path / "new", create=False)


def test_what_did_not_change_takes_no_room_again(state: Path, tmp_path: Path) -> None:
    with Historian.open(state / "historian", SystemClock()) as historian:
        historian.append(samples(0, 5000))
        historian.commit()
        first = back_up(state, tmp_path / "backups")
        historian.append(samples(5000, 5000))
        historian.commit()
        second = back_up(state, tmp_path / "backups")
    assert newest(tmp_path / "backups") == second
    shared = [path for path in first.rglob("*.parquet") if path.stat().st_nlink > 1]
    assert shared
    for path in shared:
        assert (second / path.relative_to(first)).samefile(path)
    assert not any(path.samefile(other) for path in shared for other in state.rglob("*.parquet"))
    assert Manifest.read(second / MANIFEST).faults(second) == []


def test_secrets_stay_out_unless_they_are_sealed(state: Path, tmp_path: Path) -> None:
    plain = back_up(state, tmp_path / "plain")
    sealed = back_up(state, tmp_path / "sealed", passphrase=PASSPHRASE)
    for backup in (plain, sealed):
        everything = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
        assert b"hunter2" not in everything
        assert b"very private" not in everything
        assert b"public" in everything
    with pytest.raises(StateError, match="has no secrets in it"):
        restore(plain, tmp_path / "a", passphrase=PASSPHRASE)
    with pytest.raises(StateError, match="passphrase is wrong"):
        restore(sealed, tmp_path / "a", passphrase="another passphrase")
    assert not (tmp_path / "a").exists()
    restore(sealed, tmp_path / "a", passphrase=PASSPHRASE)
    key = tmp_path / "a" / "pki" / "own.key.pem"
    assert key.read_bytes() == b"very private"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "hunter2" in (tmp_path / "a" / "secrets" / "credentials.yaml").read_text()


def test_a_short_passphrase_and_a_changed_box_are_refused() -> None:
    with pytest.raises(StateError, match="too easily found"):
        seal({"a": b"b"}, "short")
    box = bytearray(seal({"a": b"b"}, PASSPHRASE))
    assert unseal(bytes(box), PASSPHRASE) == {"a": b"b"}
    box[-1] ^= 1
    with pytest.raises(StateError, match="were changed"):
        unseal(bytes(box), PASSPHRASE)


@pytest.mark.parametrize("harm", ["change", "remove", "add"])
def test_a_damaged_backup_is_found_and_not_restored(state: Path, tmp_path: Path, harm: str) -> None:
    backup = back_up(state, tmp_path / "backups")
    victim = backup / "audit" / "log"
    if harm == "change":
        victim.write_text("lime\n")
    elif harm == "remove":
        victim.unlink()
    else:
        (backup / "audit" / "more").write_text("")
    assert len(Manifest.read(backup / MANIFEST).faults(backup)) == 1
    with pytest.raises(StateError, match=r"audit/.*(changed|missing|does not belong)"):
        restore(backup, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_manifest_that_leads_outside_is_refused(state: Path, tmp_path: Path) -> None:
    backup = back_up(state, tmp_path / "backups")
    text = (backup / MANIFEST).read_text().replace('"audit/log"', '"../../evil"')
    (backup / MANIFEST).write_text(text)
    with pytest.raises(StateError, match="lies outside"):
        restore(backup, tmp_path / "new")


@pytest.mark.parametrize("name", ["secrets/users.json", "./secrets/users.json", "pki/api.key.pem"])
def test_a_backup_cannot_bring_open_secrets_of_its_own(
    state: Path, tmp_path: Path, name: str
) -> None:
    """Or whoever gives it away makes themselves an admin of the restored plant."""
    made = back_up(state, tmp_path / "backups")
    manifest = Manifest.read(made / MANIFEST)
    (made / name).parent.mkdir(parents=True, exist_ok=True)
    (made / name).write_text("[]")
    manifest.files[name] = (2, digest_of(made / name))
    manifest.write(made / MANIFEST)
    with pytest.raises(StateError, match=f"has '{name}' lying open"):
        restore(made, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_secrets_elsewhere_in_the_state_stay_out_too(state: Path, tmp_path: Path) -> None:
    (state / "keys").mkdir()
    (state / "keys" / "users.json").write_text("very private")
    made = back_up(state, tmp_path / "backups", secrets=state / "keys", passphrase=PASSPHRASE)
    assert not (made / "keys").exists()
    restored = tmp_path / "restored"
    restore(made, restored, passphrase=PASSPHRASE)
    assert (restored / "secrets" / "users.json").read_text() == "very private"


def test_nobody_else_on_the_computer_reads_a_backup_or_what_is_restored(
    state: Path, tmp_path: Path
) -> None:
    made = back_up(state, tmp_path / "backups")
    restore(made, tmp_path / "restored")
    for folder in (made, tmp_path / "restored"):
        assert folder.stat().st_mode & 0o077 == 0


def test_nothing_is_restored_over_what_is_there(state: Path, tmp_path: Path) -> None:
    backup = back_up(state, tmp_path / "backups")
    with StateFolder(state), pytest.raises(StateError, match="holds something"):
        restore(backup, state)


def test_a_backup_that_fails_leaves_nothing(state: Path, tmp_path: Path) -> None:
    (state / "historian").mkdir(exist_ok=True)
    with Historian.open(state / "historian", SystemClock()) as historian:
        historian.append(samples(0, 10))
        historian.commit()
        for path in (state / "historian" / "samples").rglob("*.parquet"):
            path.unlink()
        with pytest.raises(StateError, match="changes faster"):
            back_up(state, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []
    assert not list(state.glob(".backup-*"))
