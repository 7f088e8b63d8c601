"""Tokens prove identities, are stored as hashes, and end when they are revoked."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.errors import GenbaError, Refused, StateError
from genba.operate.identity import Identities, PersonRole


def test_a_token_proves_its_identity_and_is_stored_nowhere(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    token = identities.create("ana", PersonRole.ENGINEER)
    found = Identities(tmp_path).verify(token)
    assert (found.name, found.role) == ("ana", PersonRole.ENGINEER)
    stored = (tmp_path / "identities.json").read_text()
    assert token not in stored
    assert token.rsplit("_", 1)[1] not in stored
    assert (tmp_path / "identities.json").stat().st_mode & 0o777 == 0o600


def test_a_revoked_token_is_worth_nothing_in_a_running_core(tmp_path: Path) -> None:
    running = Identities(tmp_path)
    token = running.create("ana", PersonRole.VIEWER)
    Identities(tmp_path).revoke("ana")
    with pytest.raises(Refused):
        running.verify(token)


@given(st.text(max_size=90))
def test_no_other_text_is_a_token(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    identities = Identities(tmp_path_factory.mktemp("secrets"))
    token = identities.create("ana", PersonRole.ADMIN)
    for wrong in (text, token[:-1], token + text if text else token.upper(), token[:15] + text):
        if wrong != token:
            with pytest.raises(Refused):
                identities.verify(wrong)


def test_names_are_unique_and_sane(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    identities.create("ana", PersonRole.VIEWER)
    for name in ("ana", "", "a\nb", "x" * 81):
        with pytest.raises(GenbaError):
            identities.create(name, PersonRole.VIEWER)
    with pytest.raises(GenbaError, match="no identity 'bo'"):
        identities.revoke("bo")


def test_roles_cover_those_below() -> None:
    assert PersonRole.ADMIN.covers(PersonRole.VIEWER)
    assert PersonRole.OPERATOR.covers(PersonRole.OPERATOR)
    assert not PersonRole.VIEWER.covers(PersonRole.OPERATOR)


def test_a_damaged_file_is_named_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "identities.json").write_text("{")
    with pytest.raises(StateError, match=r"identities\.json is damaged; delete it"):
        Identities(tmp_path)
