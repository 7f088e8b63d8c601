"""Faults that are put into what was recorded are sought by the code that runs a model live."""

import numpy as np
import pytest
from tests.learn.worked import CALM, END, TRAINED, Worked

from genba.errors import LearnError
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.edge.past import Stretch
from genba.learn.verify.imagined import Fault, onsets, seek
from genba.plant import US

LENGTH_S = 1200.0


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return Worked(tmp_path_factory.mktemp("works"))


@pytest.fixture(scope="module")
def bundle(works: Worked) -> Bundle:
    key = ReleaseKey.at(works.registry.key)
    return open_bundle(release_of(works.model, key), Trust((key.public,)))


@pytest.fixture(scope="module")
def calm(works: Worked, bundle: Bundle) -> Stretch:
    return works.past.stretch(bundle.contract, TRAINED, CALM)


def fault(begin: int, name: str, signal: str, by: float, shown: float = 20.0) -> Fault:
    time = begin + np.arange(0, LENGTH_S + 1, 60, dtype=np.int64) * US
    return Fault(name, time, {signal: np.full(len(time), by)}, shown)


def test_a_fault_that_shows_is_found_soon_and_one_that_hides_is_missed(
    bundle: Bundle, calm: Stretch
) -> None:
    begins = onsets(calm, LENGTH_S, 3)
    assert len(begins) == 3
    strong = [fault(begin, "pressure jumps", "press-1.cavity", 80.0) for begin in begins]
    weak = [fault(begin, "pressure hardly moves", "press-1.cavity", 0.01, 0.0) for begin in begins]
    jumps, hardly = seek(bundle, calm, [*strong, *weak])
    assert (jumps.name, jumps.tried, jumps.found, jumps.shown) == ("pressure jumps", 3, 3, 20.0)
    assert jumps.delay_s is not None
    assert 0 <= jumps.delay_s <= 300
    assert (hardly.tried, hardly.found, hardly.delay_s) == (3, 0, None)


def test_where_something_was_really_found_nothing_is_said(works: Worked, bundle: Bundle) -> None:
    faulty = works.past.stretch(bundle.contract, CALM, END)
    at_fault = CALM + 220 * 10 * US
    assert seek(bundle, faulty, [fault(at_fault, "on top", "press-1.cavity", 80.0)]) == []


def test_onsets_leave_room_for_the_fault(calm: Stretch) -> None:
    begins = onsets(calm, LENGTH_S, 5)
    assert begins == sorted(begins)
    assert begins[-1] + LENGTH_S * US <= calm.time[-1]
    assert onsets(calm, 10 * 86_400.0, 5) == [], "the stretch is shorter than that"


def test_a_process_whose_signals_the_model_does_not_read_is_refused(
    bundle: Bundle, calm: Stretch
) -> None:
    begin = onsets(calm, LENGTH_S, 1)[0]
    with pytest.raises(LearnError, match=r"reads none .*press-1\.power"):
        seek(bundle, calm, [fault(begin, "other", "press-1.power", 5.0)])
