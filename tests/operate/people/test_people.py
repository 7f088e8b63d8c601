"""Users, sessions, tokens and failed log-ins, over time and across processes."""

import datetime as dt
import json
import time
from pathlib import Path

import pytest

from genba.errors import GenbaError, Refused, StateError
from genba.operate.people import (
    Identities,
    Kind,
    PersonRole,
    Scope,
    TooManyAttempts,
    User,
    attempts,
)
from genba.operate.people.attempts import FIRST_WAIT_S, FREE, LONGEST_WAIT_S
from genba.operate.people.sessions import IDLE_S, LONGEST_S, MOST

PASSWORD = "a horse in the rain 7"


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def identities(tmp_path: Path, watch: Watch) -> Identities:
    found = Identities(tmp_path, watch)
    found.add_user("ana", PersonRole.OPERATOR, PASSWORD)
    return found


def test_a_session_ends_when_nobody_uses_it(identities: Identities, watch: Watch) -> None:
    token, _ = identities.log_in("ana", PASSWORD, "here")
    for _ in range(5):
        watch.now += IDLE_S - 1
        assert identities.verify(token).kind is Kind.PERSON
    watch.now += IDLE_S
    with pytest.raises(Refused, match="session is over"):
        identities.verify(token)


def test_whoever_only_looks_on_does_not_keep_a_session_open(
    identities: Identities, watch: Watch
) -> None:
    token, _ = identities.log_in("ana", PASSWORD, "here")
    caller = identities.verify(token)
    watch.now += IDLE_S - 1
    assert identities.still(caller)
    watch.now += 1
    assert not identities.still(caller)


def test_a_log_in_with_the_password_of_before_a_change_opens_nothing(
    identities: Identities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process changes the password while this one looks at the old one."""
    right = identities.users.check

    def slow_check(name: str, password: str) -> User | None:
        user = right(name, password)
        Identities(tmp_path).change_user("ana", password="another horse, dry")
        return user

    monkeypatch.setattr(identities.users, "check", slow_check)
    with pytest.raises(Refused, match="was changed just now"):
        identities.log_in("ana", PASSWORD, "here")
    assert identities.sessions.of("ana") == []


def test_a_session_ends_however_much_it_is_used(identities: Identities, watch: Watch) -> None:
    token, session = identities.log_in("ana", PASSWORD, "here")
    assert session.expires - session.created == LONGEST_S
    end = watch.now + LONGEST_S
    while watch.now + 600 < end:
        watch.now += 600
        identities.verify(token)
    watch.now = end
    with pytest.raises(Refused):
        identities.verify(token)


def test_a_clock_that_was_set_back_lengthens_no_session(identities, watch: Watch) -> None:
    token, _ = identities.log_in("ana", PASSWORD, "here")
    watch.now -= 3600
    with pytest.raises(Refused):
        identities.verify(token)


def test_sessions_outlive_a_restart_and_hold_no_token(identities, watch, tmp_path: Path) -> None:
    token, _ = identities.log_in("ana", PASSWORD, "here")
    again = Identities(tmp_path, watch)
    assert again.verify(token).name == "ana"
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in kept
    assert PASSWORD.encode() not in kept
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_the_oldest_sessions_make_room(identities: Identities, watch: Watch) -> None:
    tokens = []
    for _ in range(MOST + 2):
        watch.now += 1
        tokens.append(identities.sessions.open("ana", "here")[0])
    assert len(identities.sessions.of("ana")) == MOST
    with pytest.raises(Refused):
        identities.verify(tokens[1])
    identities.verify(tokens[2])


def test_another_process_disables_and_it_holds_at_once(identities, watch, tmp_path: Path) -> None:
    token, _ = identities.log_in("ana", PASSWORD, "here")
    other = Identities(tmp_path, watch)
    other.change_user("ana", role=PersonRole.VIEWER)
    assert identities.verify(token).role is PersonRole.VIEWER
    other.change_user("ana", enabled=False)
    with pytest.raises(Refused):
        identities.verify(token)
    with pytest.raises(Refused, match="do not belong together"):
        identities.log_in("ana", PASSWORD, "here")


def test_waiting_grows_and_ends(identities: Identities, watch: Watch) -> None:
    waits = []
    for _ in range(20):
        with pytest.raises(Refused) as told:
            identities.log_in("ana", "wrong", f"from {len(waits)}")
        if isinstance(told.value, TooManyAttempts):
            waits.append(told.value.wait_s)
            watch.now += told.value.wait_s
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert max(waits) <= LONGEST_WAIT_S
    watch.now += LONGEST_WAIT_S
    identities.log_in("ana", PASSWORD, "here")
    assert identities.attempts.waiting("ana") == 0


def test_one_address_cannot_try_one_password_on_everybody(identities: Identities) -> None:
    for number in range(FREE["address"]):
        identities.attempts.failed(f"user-{number}", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        identities.log_in("ana", PASSWORD, "192.0.2.1")
    identities.log_in("ana", PASSWORD, "192.0.2.2")


def test_an_ipv6_network_counts_as_one_address(identities: Identities) -> None:
    for number in range(FREE["address"]):
        identities.attempts.failed(f"user-{number}", f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyAttempts):
        identities.attempts.admit("ana", "2001:db8:1:2:ffff::1")
    identities.attempts.admit("ana", "2001:db8:1:3::1")
    for number in range(FREE["address"]):
        identities.attempts.failed(f"more-{number}", "::ffff:192.0.2.1")
    with pytest.raises(TooManyAttempts):
        identities.attempts.admit("ana", "192.0.2.1")


def test_a_flood_of_names_wipes_out_no_account(
    identities: Identities, monkeypatch: pytest.MonkeyPatch, watch: Watch, tmp_path: Path
) -> None:
    monkeypatch.setattr(attempts, "MOST", 30)
    for _ in range(FREE["account"]):
        identities.attempts.failed("ana", "192.0.2.9")
    for _ in range(FREE["address"]):
        identities.attempts.failed("nobody", "192.0.2.1")
    for number in range(100):
        watch.now += 0.01
        identities.attempts.failed(f"user-{number}", f"198.51.100.{number % 10}")
    for name, address in (("ana", "192.0.2.2"), ("bob", "192.0.2.1")):
        with pytest.raises(TooManyAttempts):
            identities.attempts.admit(name, address)
    rows = json.loads((tmp_path / "attempts.json").read_text())
    accounts = {row["whom"] for row in rows if row["whom"].startswith("account:")}
    assert accounts == {"account:ana", *(f"account:user-{number}" for number in range(70, 100))}
    assert len(rows) <= 2 * 30 + 1


def test_a_restart_forgives_nothing(identities: Identities, watch: Watch, tmp_path: Path) -> None:
    for _ in range(FREE["account"]):
        identities.attempts.failed("ana", "x")
    with pytest.raises(TooManyAttempts):
        Identities(tmp_path, watch).log_in("ana", PASSWORD, "here")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(identities: Identities) -> None:
    """Both hash once; compared by the work, which the clock of the process shows."""

    def cpu_s(name: str) -> float:
        begun = time.thread_time()
        with pytest.raises(Refused):
            identities.prove(name, "not the password", name)
        return time.thread_time() - begun

    cpu_s("warm")
    known, unknown = min(cpu_s("ana") for _ in range(3)), min(cpu_s("nobody") for _ in range(3))
    assert 0.5 < known / unknown < 2


def test_names_are_shared_by_people_and_machines(identities: Identities) -> None:
    with pytest.raises(GenbaError, match="is a user"):
        identities.create("ana", PersonRole.ADMIN)
    identities.create("scada", PersonRole.VIEWER)
    with pytest.raises(GenbaError, match="holds a token"):
        identities.add_user("scada", PersonRole.ADMIN, PASSWORD)


def test_the_role_of_now_is_none_for_whoever_is_out(identities: Identities) -> None:
    identities.create("mes", PersonRole.ENGINEER)
    assert (identities.role_now("ana"), identities.role_now("mes")) == ("operator", "engineer")
    identities.change_user("ana", role=PersonRole.VIEWER)
    assert identities.role_now("ana") == "viewer"
    identities.change_user("ana", enabled=False)
    identities.revoke("mes")
    assert {identities.role_now(name) for name in ("ana", "mes", "nobody")} == {None}


def test_tokens_of_the_first_version_keep_working(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    token = identities.create("old", PersonRole.ENGINEER)
    text = (tmp_path / "identities.json").read_text()
    import json

    rows = [
        {k: v for k, v in row.items() if k not in ("scopes", "expires")} for row in json.loads(text)
    ]
    (tmp_path / "identities.json").write_text(json.dumps(rows))
    found = Identities(tmp_path).verify(token)
    assert (found.name, found.role, found.scopes) == ("old", PersonRole.ENGINEER, None)


def test_a_narrow_token_lacks_all_else(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    token = identities.create("x", PersonRole.ADMIN, frozenset({Scope.ALARMS}))
    found = identities.verify(token)
    assert found.lacks(PersonRole.OPERATOR, Scope.ALARMS) == ""
    for scope in set(Scope) - {Scope.ALARMS}:
        assert f"needs the scope {scope}" in found.lacks(PersonRole.VIEWER, scope)


def test_an_expired_token_is_worth_nothing(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.05)
    token = identities.create("brief", PersonRole.VIEWER, expires=soon)
    assert identities.verify(token).name == "brief"
    while dt.datetime.now(dt.UTC) < soon:
        pass
    with pytest.raises(Refused, match="expired"):
        identities.verify(token)


@pytest.mark.parametrize("name", ["users.json", "sessions.json", "attempts.json"])
def test_a_damaged_file_is_named_with_its_mend(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{")
    with pytest.raises(StateError, match=f"{name} is damaged; "):
        Identities(tmp_path)


def test_checking_a_token_is_cheap(tmp_path: Path) -> None:
    """No password hash for each request: hundreds of checks in the time of one log-in."""
    identities = Identities(tmp_path)
    token = identities.create("x", PersonRole.VIEWER)
    identities.add_user("ana", PersonRole.VIEWER, PASSWORD)
    identities.verify(token)
    begun = time.process_time()
    for _ in range(200):
        identities.verify(token)
    checks = time.process_time() - begun
    begun = time.process_time()
    identities.log_in("ana", PASSWORD, "here")
    assert checks < time.process_time() - begun
