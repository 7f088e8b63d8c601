"""What the room above the reference plant's recipes comes to, for whoever could know it.

``python -m benchmarks.room_above_recipes [--seeds 1-3] [--hours 16] [--planned]``

The recipes of the simulated plant are a careful plant's, and a little beyond each lies a better one
(``tests/testbed/unit/test_room_above_recipes.py`` shows it machine by machine). Here a kind of
machine has the better one from the start, kind by kind and then all together, under the plant's own
controller; with ``--planned`` all together under Genba's planner, too. This bounds what set-points
can bring there: nobody is told these recipes, Genba neither.
"""

import argparse
from collections.abc import Iterator

from genba.cli.comparison.account import account
from genba.cli.comparison.arms import CONVENTIONAL, Lived, optimizing, warm_up
from genba.cli.comparison.living import Testbed, conventional, under_genba
from genba.cli.seeds import seeds_in
from genba.cli.testbed_compare import show, show_limits
from genba.testbed import load_testbed

BETTER = {
    "presses": {"mold": {"cooling_s": 0.85}},
    "mills": {"mill": {"spindle_rpm": 0.93, "feed_mm_min": 1.12}},
    "furnace": {"harden": {"temperature_c": 930 / 920, "soak_min": 24.5 / 28}},
    "grinder": {"grind": {"infeed_um_s": 1.2}},
    "robots": {"assemble": {"speed_m_s": 1.2}},
}
"""Kind of machine -> operation -> factors on its fixed recipe."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.room_above_recipes")
    parser.add_argument("--seeds", type=seeds_in, default=[1, 2, 3])
    parser.add_argument("--hours", type=float, default=16.0)
    parser.add_argument("--planned", action="store_true", help="all together under Genba's planner")
    given = parser.parse_args()
    testbed = load_testbed()
    runs = list(lived(testbed, given.seeds, given.hours, planned=given.planned))
    show(runs, given.hours)
    show_limits(testbed[0], runs)


def lived(testbed: Testbed, seeds: list[int], hours: float, *, planned: bool) -> Iterator[Lived]:
    """Live each seed with the recipes as they are, and with better ones."""
    arms = {CONVENTIONAL: testbed}
    arms |= {kind: with_better(testbed, kind) for kind in BETTER}
    arms["all of them"] = with_better(testbed, *BETTER)
    if planned:
        warm_up(testbed[0])
    for seed in seeds:
        for arm, one in arms.items():
            ledgers = conventional(one, seed, hours)
            yield Lived(arm, seed, account(*one, ledgers.end), ledgers)
        if planned:
            ledgers = under_genba(one, seed, hours, optimizing)
            yield Lived("and planning", seed, account(*one, ledgers.end), ledgers)


def with_better(testbed: Testbed, *kinds: str) -> Testbed:
    """Give the plant with better recipes for these kinds of machines."""
    plant, physics = testbed
    factors = {operation: by for kind in kinds for operation, by in BETTER[kind].items()}
    recipes = {
        name: {
            field: value * factors.get(name.split("/")[1], {}).get(field, 1.0)
            for field, value in recipe.items()
        }
        for name, recipe in physics.recipes.items()
    }
    return plant, physics.model_copy(update={"recipes": recipes})


if __name__ == "__main__":
    main()
