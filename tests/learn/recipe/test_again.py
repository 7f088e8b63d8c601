"""Once a rung is chosen, the part for choosing serves the model, and the test part never does."""

from dataclasses import replace

import numpy as np
import pytest

from genba.learn import Split, Task, by_time, climb, quality_ladder, sample_for
from genba.learn.recipe.ladder import Again, measure
from genba.learn.split.parts import Part


@pytest.mark.parametrize(
    ("again", "parts"),
    [
        (Again.NO, (("train",), ("held",))),
        (Again.LIMITS, (("train",), ("held", "choose"))),
        (Again.ROWS, (("train", "held"), ("choose",))),
    ],
)
def test_the_chosen_rung_is_fitted_on_the_parts_that_the_ladder_says(
    again: Again, parts: tuple[tuple[Part, ...], tuple[Part, ...]]
) -> None:
    data = sample_for(Task.QUALITY, 4, 700)
    assert data.target is not None
    split = by_time(data)
    ladder = replace(quality_ladder(data.target), again=again)
    chosen = climb(data, split, ladder, seed=2).chosen
    assert chosen is not None
    assert chosen.model is not None
    fit, hold = (np.concatenate([split.rows_of(part) for part in which]) for which in parts)
    own = Split(fit, hold, split.choose[:0], split.test, "", "given")
    alone = chosen.recipe.fit(own.take(data, "train"), own.take(data, "held"), 2)
    expected = alone.parts()
    assert {n: a.tolist() for n, a in chosen.model.parts().items()} == {
        name: array.tolist() for name, array in expected.items()
    }
    tested = measure(ladder, chosen.recipe, alone, own.take(data, "test"))
    assert dict(chosen.tested or {}) == dict(tested)
