"""Pictures of parts, and a model that learned from them, released for a press."""

from dataclasses import replace
from pathlib import Path

from tests.learn.inspect.folders import fill

from genba.learn import Registry, train
from genba.learn.edge.bundle import Bundle, open_bundle
from genba.learn.edge.keys import ReleaseKey, Trust
from genba.learn.edge.pack import release_of
from genba.learn.inspect.gallery import Wanted, read_gallery
from genba.learn.inspect.ladder import inspect_ladder
from genba.learn.inspect.parting import part_pictures
from genba.learn.inspect.seen import with_seen
from genba.learn.registry.signature import KEY
from genba.operate.state import StateFolder


class Photographed:
    """A texture model, the lightest that needs no PyTorch."""

    def __init__(self, folder: Path) -> None:
        fill(folder / "parts", good=80, bad=60)
        wanted = Wanted("good", None, None, {"lot": r"lot(\d+)_"}, False, None)
        gallery = read_gallery(folder / "parts", wanted)
        ladder = inspect_ladder(masks=True)
        rungs = tuple(rung for rung in ladder.rungs if rung.name == "texture")
        split = part_pictures(gallery.data, "lot", seed=0)
        self.folder = folder
        found = train(gallery.data, split, replace(ladder, rungs=rungs), equipment="press")
        state = StateFolder(folder / "state")
        self.registry = Registry(state.root / "models", state.secrets / KEY)
        self.model = with_seen(found, gallery).keep(self.registry, "2026-01-06T06:00:00Z")
        self.key = ReleaseKey.at(self.registry.key)
        self.trust = Trust((self.key.public,))
        self.content = release_of(self.model, self.key, budget_us=200_000.0)
        self.bundle: Bundle = open_bundle(self.content, self.trust)
