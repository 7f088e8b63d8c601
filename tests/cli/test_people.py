"""`genba user`, `token`, `login` and `audit`: what an admin and a person do at the terminal."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT

import pytest
from tests.cli.command import genba, one_line, write_plant
from typer.testing import CliRunner, Result

from genba.cli.main import app
from genba.operate.audit import AuditLog, entries
from genba.operate.people import Identities

PASSWORD = "a horse in the rain 7"


def typed(text: str, *arguments: str | Path, **environment: str) -> Result:
    """Run a command that reads a line of standard input."""
    words = [str(argument) for argument in arguments]
    return CliRunner(env=environment).invoke(app, words, input=text + "\n", prog_name="genba")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    told = typed(PASSWORD, "user", "add", "ana", "--role", "engineer", "--state", tmp_path / "s")
    assert told.exit_code == 0, told.output
    return tmp_path / "s"


def test_people_are_added_listed_and_changed(state: Path) -> None:
    (shown,) = json.loads(genba("user", "list", "--json", "--state", state).stdout)
    assert (shown["name"], shown["role"], shown["enabled"]) == ("ana", "engineer", True)
    for words in (("role", "ana", "viewer"), ("disable", "ana"), ("enable", "ana")):
        assert genba("user", *words, "--state", state).exit_code == 0
    genba("user", "unlock", "ana", "--state", state)
    assert typed("another horse, dry", "user", "password", "ana", "--state", state).exit_code == 0
    identities = Identities(state / "secrets")
    assert identities.users.check("ana", "another horse, dry") is not None
    assert identities.users.check("ana", PASSWORD) is None
    told = [entry.action for entry in entries(state / "audit")]
    assert told == [
        *("user.add", "user.role", "user.disable", "user.enable", "user.unlock", "user.password")
    ]
    (first, *_) = entries(state / "audit")
    assert first.origin.startswith("cli ")
    assert first.detail["given_role"] == "engineer"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "needs 12 to 200 letters"),
        ("password1234", "guessed first"),
        ("aaaaaaaaaaaaaaaa", "guessed first"),
        ("bo-the-viewer-bo", ""),
        ("robertina 2024!", "user's name"),
    ],
)
def test_passwords_that_are_soon_guessed(tmp_path: Path, password: str, why: str) -> None:
    told = typed(password, "user", "add", "robertina", "--state", tmp_path / "s")
    assert (told.exit_code == 0) is not bool(why)
    assert why in told.output
    kept = b"".join(p.read_bytes() for p in (tmp_path / "s").rglob("*") if p.is_file())
    assert password.encode() not in kept


def test_mistakes_are_one_clear_line_and_on_the_log(state: Path) -> None:
    assert "'boss' is no role" in one_line(genba("user", "role", "ana", "boss", "--state", state))
    line = one_line(genba("user", "disable", "bo", "--state", state))
    assert line == "genba: there is no user 'bo'; `genba user list` shows them"
    last = list(entries(state / "audit"))[-1]
    assert (last.action, last.target, str(last.result)) == ("user.disable", "bo", "failed")
    assert "is a user" in one_line(genba("token", "create", "ana", "--state", state))
    line = one_line(genba("token", "create", "x", "--scope", "all", "--state", state))
    assert "'all' is no scope" in line


def test_the_last_admin_stays(state: Path) -> None:
    genba("user", "role", "ana", "admin", "--state", state)
    line = one_line(genba("user", "disable", "ana", "--state", state))
    assert "the last admin among the users" in line


def test_tokens_are_narrow_and_expire(state: Path) -> None:
    words = ("--role", "operator", "--scope", "alarms", "--scope", "read", "--days", "30")
    token = genba("token", "create", "scada", *words, "--state", state).stdout.strip()
    (shown,) = json.loads(genba("token", "list", "--json", "--state", state).stdout)
    assert shown["scopes"] == "alarms, read"
    assert shown["expires"] != "never"
    assert shown["last_used"] == "never"
    assert Identities(state / "secrets").verify(token).name == "scada"
    (shown,) = json.loads(genba("token", "list", "--json", "--state", state).stdout)
    assert shown["last_used"] != "never"


def test_what_strangers_sent_does_not_steer_the_terminal(state: Path) -> None:
    """A path that was refused is on the log, and shown to an admin."""
    with AuditLog(state / "audit", state / "secrets") as log:
        log.record("unknown", "", "GET /x", "/x\x1b]0;pwned\x07\x1b[2J", "refused").result(10)
    told = genba("audit", "show", "--state", state, COLUMNS="300")
    assert r"/x\x1b]0;pwned\x07\x1b[2J" in told.stdout
    assert "\x1b" not in told.stdout


def test_nothing_is_done_unseen(state: Path) -> None:
    (state / "audit" / ".lock").unlink()
    (state / "audit" / ".lock").mkdir()
    line = one_line(genba("token", "create", "x", "--state", state))
    assert "audit log" in line
    assert not Identities(state / "secrets").all()


def test_the_log_is_shown_checked_and_exported(state: Path, tmp_path: Path) -> None:
    genba("token", "create", "=cmd()", "--state", state)
    assert "user.add" in genba("audit", "show", "--state", state).stdout
    (entry,) = json.loads(genba("audit", "show", "--last", "1", "--json", "--state", state).stdout)
    assert entry["target"] == "=cmd()"
    told = genba("audit", "verify", "--state", state).stdout
    assert "2 entries, one whole chain" in told
    head = told.rsplit(" ", 1)[1].strip()
    assert genba("audit", "verify", "--expect", head, "--state", state).exit_code == 0
    assert genba("audit", "export", tmp_path / "a.csv", "--state", state).exit_code == 0
    assert "'=cmd()" in (tmp_path / "a.csv").read_text()
    assert "exists" in one_line(genba("audit", "export", tmp_path / "a.csv", "--state", state))
    genba("audit", "export", tmp_path / "a.jsonl", "--state", state)
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4
    (segment,) = (state / "audit").glob("audit-*")
    segment.write_text(segment.read_text().replace("engineer", "operator"))
    line = one_line(genba("audit", "verify", "--state", state))
    assert f"{segment.name} line 1: this line is not the one that was written" in line


def test_secrets_can_lie_elsewhere(tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "safe")
    token = genba("token", "create", "x", "--state", tmp_path / "s", GENBA_SECRETS=elsewhere)
    assert token.exit_code == 0
    assert (tmp_path / "safe" / "identities.json").exists()
    assert not (tmp_path / "s" / "secrets").exists()


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[str, str]]:
    """A core over TLS; yields where it answers, and its certificate."""
    words = ["run", str(write_plant(folder)), "--port", "0", *arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "genba", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        said = ""
        while "GENBA_CA=" not in said:
            line = process.stdout.readline()
            assert line, f"genba run ended early:\n{said}"
            said += line
        url = said.partition("API at ")[2].partition("/api/v1")[0]
        yield url, said.rpartition("GENBA_CA=")[2].strip()
    finally:
        process.send_signal(SIGINT)
        process.communicate(timeout=60)


def test_a_person_logs_in_over_tls(tmp_path: Path) -> None:
    state = tmp_path / "state"
    typed(PASSWORD, "user", "add", "ana", "--role", "engineer", "--state", state)
    home = {"XDG_CONFIG_HOME": str(tmp_path / "home"), "GENBA_TOKEN": "", "GENBA_CA": ""}
    with running(tmp_path, "--tls") as (url, certificate):
        assert url.startswith("https://")
        refused = typed(PASSWORD, "login", "ana", "--url", url, **home)
        assert "shows a certificate that nothing vouches for" in refused.output
        told = typed(PASSWORD, "login", "ana", "--url", url, "--ca", certificate, **home)
        assert told.exit_code == 0, told.output
        kept = tmp_path / "home" / "genba" / "sessions.json"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert genba("status", "--url", url, **home).exit_code == 0
        host, port = url.removeprefix("https://").split(":")
        assert "TLSv1" in handshake(host, int(port), ssl.TLSVersion.TLSv1_2)
        with pytest.raises(ssl.SSLError):
            handshake(host, int(port), ssl.TLSVersion.TLSv1_1)
        assert genba("logout", "--url", url, **home).exit_code == 0
        assert "log in with `genba login" in one_line(genba("status", "--url", url, **home))
    acts = [(entry.actor, entry.action) for entry in entries(state / "audit")]
    assert ("ana", "login") in acts
    assert ("ana", "POST /logout") in acts
    assert acts[-1][1] == "stop"


def handshake(host: str, port: int, newest: ssl.TLSVersion) -> str:
    """Return the version of TLS that a client gets that speaks nothing newer."""
    import socket
    import warnings

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection((host, port), 10) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        return wrapped.version() or ""


def test_the_network_is_answered_over_tls_or_not_at_all(tmp_path: Path) -> None:
    plant = write_plant(tmp_path)
    line = one_line(genba("run", plant, "--host", "0.0.0.0", "--port", "0"))
    assert "unencrypted; add --tls" in line
    line = one_line(genba("run", plant, "--port", "0", "--tls-cert", "x.pem"))
    assert "--tls-cert and --tls-key go together" in line
    line = one_line(genba("run", plant, "--port", "0", "--tls-cert", "x.pem", "--tls-key", "y"))
    assert "y cannot" in line or "is not possible" in line
