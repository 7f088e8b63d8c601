"""A press that is no more what was learned of it is learned anew by the core, in its loop."""

from pathlib import Path

import pytest
from tests.control import press
from tests.control.press import RECIPES, START, Press, record
from tests.operate.test_first_experiment import WANTED, Shop

from genba.control.bound import bound
from genba.control.runs_kept import keep_runs, kept_runs, runs_of
from genba.control.runs_learned import learned_by_product
from genba.learn.registry.history import History, What
from genba.learn.registry.signature import KEY
from genba.operate.state import PROCESSES
from genba.plant import US

RELEARNED = WANTED.replace(
    "    control: true\n", "    control: true\n    relearn: {after_h: 1.1, every_h: 2}\n"
)


async def test_parts_that_contradict_what_was_learned_have_it_learned_anew_in_the_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A cycle of whole ticks, so that parts come evenly.
    monkeypatch.setitem(RECIPES, "cup", (450.0, 18.0))
    shop = Shop(tmp_path, "autonomous", RELEARNED)
    joined, made = bound(shop.plant, "molding"), Press()
    with record(tmp_path / "first", made, jobs=2, parts=45) as historian:
        runs = runs_of(historian, shop.plant, joined, START, made.now)
    beliefs, _ = learned_by_product(joined, runs)
    folder, key = shop.state.root / PROCESSES, shop.state.secrets / KEY
    keep_runs(joined, beliefs, (START, made.now), folder, key)
    before = kept_runs(joined, folder, key)
    await shop.core.start()
    monkeypatch.setitem(press._WEIGHT, "cup", 44.0)
    shop.device.begin("cup", "O-1-7")
    for minute in range(100):
        # A person tries settings, as people do; that also tells what they do.
        if minute % 4 == 0:
            hold = RECIPES["cup"][0] + (-8.0, 0.0, 8.0)[minute // 4 % 3]
            shop.device.press.values["hold"] = hold
            shop.device.show("press.hold", hold)
        await shop.run(1)
        if shop.driven.relearned_at:
            break
    await shop.run(1)
    assert "cup: " in shop.driven.relearned
    assert "less error" in shop.driven.relearned
    after = kept_runs(joined, folder, key)
    assert shop.driven.model == after.model != before.model
    told = [one.what for one in History(folder / "history.jsonl").events()]
    assert told == [What.STARTED, What.TRIGGERED, What.STARTED]
    await shop.core.recorded()
    events = shop.core.historian.rows("events").to_pylist()
    texts = [row["text"] for row in events if row["kind"] == "control.relearn"]
    assert "contradicted for" in texts[0]
    assert "put to use" in texts[-1]
    assert shop.driven.relearned_at > START + 3600 * US
    await shop.core.stop()
