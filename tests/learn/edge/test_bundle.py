"""A release is whole and signed by somebody who is trusted, or it is nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learn.edge.models import card, contract, graph, release, rows

from genba.errors import LearnError
from genba.learn.edge.bundle import address_of, open_bundle, seal
from genba.learn.edge.contract import Misfit
from genba.learn.edge.keys import ReleaseKey, Trust

KEY = ReleaseKey.generate()
TRUST = Trust((KEY.public,))
CONTENT = release(KEY)


def test_what_was_sealed_is_what_is_opened() -> None:
    bundle = open_bundle(CONTENT, TRUST)
    assert bundle.model == graph()
    assert bundle.contract == contract()
    assert np.array_equal(bundle.rows, rows())
    assert bundle.address == address_of(CONTENT)


def test_the_same_release_has_the_same_bytes_and_another_one_another_address() -> None:
    assert release(KEY) == CONTENT
    assert address_of(release(KEY, version="2")) != address_of(CONTENT)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_byte_gets_through(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(CONTENT) - 1))
    bit = data.draw(st.integers(0, 7))
    altered = bytearray(CONTENT)
    altered[place] ^= 1 << bit
    try:
        bundle = open_bundle(bytes(altered), TRUST)
    except LearnError:
        return
    # A bit of the base64 text of the signature may mean nothing; then all the rest is as it was.
    assert bundle.address == address_of(CONTENT)
    assert bundle.model == graph()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(CONTENT) - 1))
def test_no_release_that_was_cut_off_gets_through(length: int) -> None:
    with pytest.raises(LearnError):
        open_bundle(CONTENT[:length], TRUST)


@given(st.binary(max_size=300))
def test_garbage_is_refused_clearly(garbage: bytes) -> None:
    for content in (garbage, b"genba-model-1\n" + garbage):
        with pytest.raises(LearnError):
            open_bundle(content, TRUST)


def test_something_behind_the_end_is_refused() -> None:
    with pytest.raises(LearnError, match="behind its end"):
        open_bundle(CONTENT + b"x", TRUST)


def test_a_stranger_s_signature_does_not_count() -> None:
    with pytest.raises(LearnError, match="not signed by a trusted key"):
        open_bundle(release(ReleaseKey.generate()), TRUST)


def test_probe_rows_of_another_shape_cannot_be_sealed() -> None:
    with pytest.raises(Misfit):
        seal(graph(), card(window=5), rows(), np.zeros(60, np.float32), KEY)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "release.key"
    made = ReleaseKey.at(path, create=True)
    assert ReleaseKey.at(path).public == made.public
    path.chmod(0o644)
    with pytest.raises(LearnError, match="chmod 600"):
        ReleaseKey.at(path)


def test_trusted_keys_are_read_from_a_file_with_remarks(tmp_path: Path) -> None:
    path = tmp_path / "trusted"
    path.write_text(f"# those of the works\n{KEY.public}  # Ada\n\n")
    assert Trust.at(path) == TRUST
    path.write_text("nonsense\n")
    with pytest.raises(LearnError, match="no public key"):
        Trust.at(path)
    path.write_text("# nobody\n")
    with pytest.raises(LearnError, match="no key is trusted"):
        Trust.at(path)
