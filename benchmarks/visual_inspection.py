"""Visual inspection: defects of magnetic tiles by network, of circuit boards by golden picture.

``python -m benchmarks.visual_inspection --data DIR [--seeds 1 2 3] [--only tiles boards]``

DIR holds ``magnetic_tile_160.parquet`` (Huang, Qiu and Yuan, *The Visual Computer* 36, 2020) and
``deeppcb_250.parquet`` (Tang et al., *Online PCB defect detector on a new PCB defect dataset*,
2019).

Tiles: each one was photographed under up to six exposures in a row, so that pictures taken one
after the other (numbers less than 200 apart) go to the same part; rows at random would put one tile
on both sides. A quarter of the tiles is tested on, 15% set probabilities and threshold. AUROC of
pictures, of each kind of defect against good ones, and of pixels; ``random rows`` shows, where it
is asked for with ``--leaky``, what the other split would have claimed. Training time is CPU time of
one thread.

Boards: every picture comes with its golden one. The golden pictures are learned from; a fifth of
the boards, with its marked defects, sets the limit; the others are tested on: marked boxes with a
place above the limit, told blobs that touch no box, and the AUROC of boxes against free rectangles
of the same size in the same picture, by their highest heat.
"""

import argparse
import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from pyarrow import parquet
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from genba.learn import Dataset, Images, Lineage, Target, by_group, by_rows, parity_of
from genba.learn.inspect.network_recipe import NetworkRecipe
from genba.learn.inspect.template import TemplateRecipe

BAR_AUROC = 0.95
BAR_MINUTES = 3.0
SHARES = (0.6, 0.14, 0.01, 0.25)
_SAME_TILE = 200


def decoded(content: bytes) -> np.ndarray:
    """Return a picture as an array."""
    return np.asarray(Image.open(io.BytesIO(content)))


def tiles(data: Path) -> tuple[Dataset, np.ndarray]:
    """Return the tiles, in the order in which they were photographed, and the kind of each."""
    table = parquet.read_table(data / "magnetic_tile_160.parquet").to_pylist()
    table.sort(key=lambda row: int(row["name"].split("_num_")[1]))
    numbers = np.array([int(row["name"].split("_num_")[1]) for row in table])
    tile = np.concatenate([[0], np.cumsum(np.diff(numbers) >= _SAME_TILE)])
    kinds = np.array([row["cls"].removeprefix("MT_").lower() for row in table])
    pixels = np.stack([decoded(row["jpeg"]) for row in table])
    empty = np.zeros(pixels.shape[1:], np.bool_)
    masks = np.stack([decoded(row["mask_png"]) if row["mask_png"] else empty for row in table])
    made = Dataset(
        "magnetic tiles",
        (),
        np.empty((len(table), 0)),
        np.arange(len(table)),
        Lineage("file", release="magnetic_tile_160.parquet"),
        {"tile": tile.astype(np.str_)},
        Target("defect", (kinds != "free").astype(float), classes=("good", "defective")),
        Images(pixels, masks.astype(np.bool_)),
        timed=False,
    )
    return made, kinds


def judge_tiles(data: Path, seeds: list[int], epochs: int | None, *, leaky: bool) -> bool:
    """Train and test for each seed, print a line each; tell whether the bars are met."""
    whole, kinds = tiles(data)
    recipe = NetworkRecipe() if epochs is None else NetworkRecipe(epochs=epochs)
    groups = len(np.unique(whole.groups["tile"]))
    print(f"magnetic tiles: {whole.rows} pictures of {groups} tiles, {recipe.settings()}")
    found, spent = [], []
    for seed in seeds:
        split = by_group(whole, "tile", SHARES, seed=seed)
        if leaky:
            split = by_rows(whole, SHARES, seed=seed)
        train, held, test = (split.take(whole, part) for part in ("train", "held", "test"))
        begun = time.process_time()
        model = recipe.fit(train, held, seed)
        spent.append((time.process_time() - begun) / 60)
        images = test.images
        assert images is not None
        assert images.masks is not None
        said = model.predict(images.pixels.astype(float))
        assert said.heat is not None
        truth = test.labels() == 1
        found.append(float(roc_auc_score(truth, said.value)))
        pixel = roc_auc_score(images.masks[:, ::3, ::3].ravel(), said.heat[:, ::3, ::3].ravel())
        of_test = kinds[np.sort(split.test)]
        each = ", ".join(
            f"{kind} {roc_auc_score(truth[rows], said.value[rows]):.3f}"
            for kind in np.unique(of_test[truth])
            if (rows := np.isin(of_test, [kind, "free"])).any()
        )
        told = np.mean((said.value >= model.threshold) == truth)
        content = model.to_onnx((160, 160))
        parity = parity_of(model, content, images.pixels[:50].astype(float), 1e-4)
        print(
            f"  seed {seed}{' (random rows)' if leaky else ''}: AUROC {found[-1]:.4f}, pixels "
            f"{pixel:.4f}, accuracy {told:.3f}; {each}; {len(train.time)} pictures in "
            f"{spent[-1]:.2f} min of CPU; ONNX {len(content) / 1e3:.0f} kB, differs by "
            f"{max(parity.differences.values()):.1e}"
        )
    mean = float(np.mean(found))
    print(f"  AUROC {mean:.4f} (bar {BAR_AUROC}), {max(spent):.2f} min (bar {BAR_MINUTES:g})")
    return mean >= BAR_AUROC and max(spent) <= BAR_MINUTES


def boards(data: Path) -> tuple[np.ndarray, np.ndarray, list[list[tuple[int, ...]]]]:
    """Return golden pictures, tested ones, and the boxes (left, top, right, bottom) in each."""
    table = parquet.read_table(data / "deeppcb_250.parquet").to_pylist()
    golden = np.stack([decoded(row["temp_png"]) for row in table]).astype(np.uint8) * 255
    tested = np.stack([decoded(row["test_png"]) for row in table]).astype(np.uint8) * 255
    boxes = [
        [tuple(int(one) for one in line.split()[:4]) for line in row["ann"].split("\n") if line]
        for row in table
    ]
    return golden, tested, boxes


def judge_boards(data: Path) -> None:
    """Learn from golden pictures, set the limit on a fifth, print what the others show."""
    golden, tested, boxes = boards(data)
    masks = np.zeros(tested.shape, np.bool_)
    for mask, here in zip(masks, boxes, strict=True):
        for left, top, right, bottom in here:
            mask[top:bottom, left:right] = True
    good = Dataset(
        "golden boards",
        (),
        np.empty((len(golden), 0)),
        np.arange(len(golden)),
        Lineage("file", release="deeppcb_250.parquet"),
        images=Images(golden),
        timed=False,
    )
    shown = replace(good, name="boards", images=Images(tested, masks))
    few = len(golden) // 5
    begun = time.process_time()
    model = TemplateRecipe().fit(good, shown.take(np.arange(few)), 0)
    fitted = time.process_time() - begun
    source = np.random.default_rng(0)
    hits, blobs, inside, outside = [], 0, [], []
    begun = time.process_time()
    for index in range(few, len(golden)):
        heat = model.predict(tested[index : index + 1].astype(float)).heat
        assert heat is not None
        labeled, count = ndimage.label(heat[0] > 1)
        touched = np.unique(labeled[masks[index]])
        blobs += count - np.count_nonzero(touched)
        for left, top, right, bottom in boxes[index]:
            inside.append(float(heat[0, top:bottom, left:right].max()))
            hits.append(inside[-1] > 1)
            free = _free(masks[index], bottom - top, right - left, source)
            outside.append(float(heat[0][free].max()))
    per = (time.process_time() - begun) / (len(golden) - few)
    truth = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    auroc = roc_auc_score(truth, np.concatenate([inside, outside]))
    tested_count = len(golden) - few
    print(f"boards: {len(golden)} golden pictures ({fitted:.1f} s), {tested_count} tested")
    print(
        f"  {np.mean(hits):.1%} of {len(hits)} defects found, {blobs / tested_count:.2f} false "
        f"blobs a picture, AUROC of boxes {auroc:.4f}, {per * 1000:.0f} ms a picture"
    )


def _free(
    mask: np.ndarray, height: int, width: int, source: np.random.Generator
) -> tuple[slice, slice]:
    """Find a rectangle that touches no defect."""
    for _ in range(1000):
        top = int(source.integers(0, mask.shape[0] - height))
        left = int(source.integers(0, mask.shape[1] - width))
        place = slice(top, top + height), slice(left, left + width)
        if not mask[place].any():
            return place
    raise ValueError("no place is free of defects")


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with the parquet files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument(
        "--only", nargs="+", choices=("tiles", "boards"), default=("tiles", "boards")
    )
    parser.add_argument("--epochs", type=int, help="passes over the pictures, if not the default")
    parser.add_argument(
        "--leaky", action="store_true", help="rows at random, to see what it claims"
    )
    given = parser.parse_args()
    if "boards" in given.only:
        judge_boards(given.data)
    if "tiles" not in given.only:
        return 0
    return 0 if judge_tiles(given.data, given.seeds, given.epochs, leaky=given.leaky) else 1


if __name__ == "__main__":
    sys.exit(main())
