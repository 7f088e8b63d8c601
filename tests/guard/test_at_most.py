"""A proposal may ask for less than its level, and never for more."""

from itertools import product

import pytest

from genba.guard.authority import no_higher
from genba.plant import Autonomy

ORDER = [Autonomy.OBSERVE, Autonomy.ADVISE, Autonomy.APPROVE, Autonomy.AUTONOMOUS]


@pytest.mark.parametrize(("level", "asked"), list(product(ORDER, ORDER)))
def test_the_stricter_of_both_holds(level: Autonomy, asked: Autonomy) -> None:
    assert no_higher(level, str(asked)) is min(level, asked, key=ORDER.index)


def test_who_asks_for_nothing_has_the_level_of_the_plant_file() -> None:
    assert [no_higher(level, None) for level in ORDER] == ORDER


@pytest.mark.parametrize("asked", ["AUTONOMOUS", "", 5, "all"])
def test_a_word_that_is_none_takes_everything(asked: object) -> None:
    assert no_higher(Autonomy.AUTONOMOUS, asked) is Autonomy.OBSERVE
