"""Visual inspection: defects of magnetic tiles by texture and network, of boards by golden picture.

``python -m benchmarks.visual_inspection --data DIR [--seeds 1 2 3] [--only texture boards]``

DIR holds ``magnetic_tile_160.parquet`` (Huang, Qiu and Yuan, *The Visual Computer* 36, 2020) and
``deeppcb_250.parquet`` (Tang et al., *Online PCB defect detector on a new PCB defect dataset*,
2019).

Tiles: each one was photographed under up to six exposures in a row, so that pictures taken one
after the other (numbers less than 200 apart) go to the same part; rows at random would put one tile
on both sides. A quarter of the tiles is tested on, 14% set probabilities and threshold. AUROC of
pictures, of each kind of defect against good ones, and of pixels; ``random rows`` shows, where it
is asked for with ``--leaky``, what the other split would have claimed. Training time is CPU time of
one thread. Beside it stand a forest on plain features, a plain network that is given the CPU time
of the slower rung, and the texture rung with few defective pictures (``--few``) and four good ones
for each.

Boards: every picture comes with its golden one. The golden pictures are learned from; a fifth of
the boards, with its marked defects, sets the limit; the others are tested on: marked boxes with a
place above the limit, told blobs that touch no box, and the AUROC of boxes against free rectangles
of the same size in the same picture, by their highest heat.
"""

import argparse
import io
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from pyarrow import parquet
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from genba.learn import (
    Dataset,
    Images,
    Lineage,
    Model,
    Recipe,
    Split,
    Target,
    by_group,
    by_rows,
    parity_of,
)
from genba.learn.inspect.joint_recipe import JointModel, JointRecipe
from genba.learn.inspect.network_recipe import NetworkRecipe
from genba.learn.inspect.template import TemplateRecipe
from genba.learn.inspect.texture_recipe import TextureRecipe

PARTS = ("texture", "joint", "peers", "few", "boards")
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


def judge_tiles(data: Path, given: argparse.Namespace) -> bool:
    """Train and test for each seed, print a line each; tell whether the bars are met."""
    whole, kinds = tiles(data)
    names = [name for name in ("texture", "network", "joint") if name in given.only]
    groups = len(np.unique(whole.groups["tile"]))
    print(f"magnetic tiles: {whole.rows} pictures of {groups} tiles, one thread")
    found: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    for seed in given.seeds:
        split = by_rows(whole, SHARES, seed=seed) if given.leaky else tile_split(whole, seed)
        train, held, test = (split.take(whole, part) for part in ("train", "held", "test"))
        how = f"seed {seed}{' (random rows)' if given.leaky else ''}"
        for name in names:
            recipe = rung(name, given.epochs)
            begun = time.process_time()
            model = recipe.fit(train, held, seed)
            spent.setdefault(name, []).append((time.process_time() - begun) / 60)
            value, text = judged(model, test, kinds[np.sort(split.test)])
            found.setdefault(name, []).append(value)
            print(f"  {how}, {name}: {text}; {spent[name][-1]:.2f} min of CPU", flush=True)
            if isinstance(model, JointModel):
                for alone in (model.network, model.texture):
                    text = judged(alone, test, kinds[np.sort(split.test)])[1]
                    print(f"    its {type(alone).__name__} alone: {text}", flush=True)
        time_of = max((spent[name][-1] for name in names), default=BAR_MINUTES)
        rivals = peers(train, test, time_of, seed) if "peers" in given.only else ()
        for name, value, minutes in rivals:
            found.setdefault(name, []).append(value)
            spent.setdefault(name, []).append(minutes)
            print(f"  {how}, {name}: AUROC {value:.4f}; {minutes:.2f} min of CPU", flush=True)
        for many in given.few if "few" in given.only else ():
            part = few_of(train, many, seed)
            value, _ = judged(
                TextureRecipe().fit(part, held, seed), test, kinds[np.sort(split.test)]
            )
            found.setdefault(f"texture, {many} defective", []).append(value)
            print(f"  {how}, texture with {many} defective of {part.rows}: {value:.4f}", flush=True)
    for name, values in found.items():
        minutes = f", at most {max(spent[name]):.2f} min" if name in spent else ""
        print(
            f"  {name}: AUROC {np.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})"
            f"{minutes}"
        )
    if not names:
        return True
    best = max(names, key=lambda name: float(np.mean(found[name])))
    print(f"  bars: AUROC {BAR_AUROC}, {BAR_MINUTES:g} min; best rung: {best}")
    return float(np.mean(found[best])) >= BAR_AUROC and max(spent[best]) <= BAR_MINUTES


def tile_split(whole: Dataset, seed: int) -> Split:
    """Part whole tiles at random."""
    return by_group(whole, "tile", SHARES, seed=seed)


def rung(name: str, epochs: int | None) -> Recipe:
    """Return a rung, by default as it is on the ladder."""
    if name == "texture":
        return TextureRecipe()
    kind = NetworkRecipe if name == "network" else JointRecipe
    return kind() if epochs is None else kind(epochs=epochs)


def judged(model: Model, test: Dataset, kinds: np.ndarray) -> tuple[float, str]:
    """Return the AUROC of pictures, and that of each kind and of pixels, accuracy and parity."""
    images = test.images
    assert images is not None
    assert images.masks is not None
    said = model.predict(images.pixels.astype(float))
    assert said.heat is not None
    truth = test.labels() == 1
    value = float(roc_auc_score(truth, said.value))
    pixel = roc_auc_score(images.masks[:, ::3, ::3].ravel(), said.heat[:, ::3, ::3].ravel())
    each = ", ".join(
        f"{kind} {roc_auc_score(truth[rows], said.value[rows]):.3f}"
        for kind in np.unique(kinds[truth])
        if (rows := np.isin(kinds, [kind, "free"])).any()
    )
    told = np.mean((said.value >= model.threshold) == truth)
    content = model.to_onnx((160, 160))
    gap = max(
        parity_of(model, content, images.pixels[:20].astype(float), 1e-4).differences.values()
    )
    return value, (
        f"AUROC {value:.4f}, pixels {pixel:.4f}, accuracy {told:.3f}; {each}; ONNX "
        f"{len(content) / 1e3:.0f} kB, differs by {gap:.1e}"
    )


def few_of(train: Dataset, many: int, seed: int) -> Dataset:
    """Take so many defective pictures, and four times as many good ones."""
    source = np.random.default_rng(seed)
    bad = train.labels() == 1
    rows = [
        source.choice(np.flatnonzero(bad == wanted), count, replace=False)
        for wanted, count in ((True, many), (False, 4 * many))
    ]
    return train.take(np.sort(np.concatenate(rows)))


def peers(
    train: Dataset, test: Dataset, minutes: float, seed: int
) -> Iterator[tuple[str, float, float]]:
    """Yield name, AUROC and minutes of a forest on plain features and of a plain network.

    The network gets so much CPU time; the forest takes less.
    """
    assert train.images is not None
    assert test.images is not None
    bad, truth = train.labels() == 1, test.labels() == 1
    begun = time.process_time()
    forest = RandomForestClassifier(500, class_weight="balanced", n_jobs=1, random_state=seed)
    forest.fit(plain_features(train.images.pixels), bad)
    said = forest.predict_proba(plain_features(test.images.pixels))[:, 1]
    used = (time.process_time() - begun) / 60
    yield "peer: scikit-learn forest on plain features", float(roc_auc_score(truth, said)), used
    begun = time.process_time()
    said = plain_network(train.images.pixels, bad, test.images.pixels, minutes * 60, seed)
    used = (time.process_time() - begun) / 60
    yield "peer: plain network", float(roc_auc_score(truth, said)), used


def plain_features(pixels: np.ndarray) -> np.ndarray:
    """Return local binary patterns at two radii, gray values of 10x10 cells, and their spread."""
    rows = []
    for picture in pixels.astype(np.float32):
        normal = (picture - picture.mean()) / (picture.std() + 1)
        cells = normal.reshape(10, 16, 10, 16)
        codes = []
        for radius in (1, 3):
            code = np.zeros(picture.shape, np.int64)
            for bit, by in enumerate(
                ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
            ):
                there = np.roll(picture, (radius * by[0], radius * by[1]), (0, 1))
                code += (there >= picture).astype(np.int64) << bit
            codes.append(np.bincount(code.ravel(), minlength=256) / code.size)
        rows.append(np.concatenate([cells.mean((1, 3)).ravel(), cells.std((1, 3)).ravel(), *codes]))
    return np.stack(rows)


def plain_network(
    pixels: np.ndarray, bad: np.ndarray, tested: np.ndarray, seconds: float, seed: int
) -> np.ndarray:
    """Train four convolutions with labels alone for so much CPU time; return logits."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    source = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    for into, out in ((1, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(into, out, 3, 2, 1), nn.BatchNorm2d(out), nn.ReLU()]
    net = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def shown(some: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(some.astype(np.float32)[:, None] / 128 - 1)

    end = time.process_time() + seconds
    while time.process_time() < end:
        rows = np.concatenate([source.choice(np.flatnonzero(bad == w), 16) for w in (True, False)])
        some = pixels[rows][:, :: source.choice([-1, 1]), :: source.choice([-1, 1])]
        said = net(shown(some)).squeeze(1)
        wanted = torch.from_numpy(bad[rows].astype(np.float32))
        loss = nn.functional.binary_cross_entropy_with_logits(said, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.inference_mode():
        return np.concatenate(
            [net(shown(one)).numpy() for one in np.array_split(tested, 8)]
        ).ravel()


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
        "--only",
        nargs="+",
        choices=(*PARTS, "network"),
        default=PARTS,
        help="rungs on tiles, their peers, few labels, boards",
    )
    parser.add_argument("--few", type=int, nargs="*", default=[10, 25, 50])
    parser.add_argument("--epochs", type=int, help="passes of the network, if not the default")
    parser.add_argument(
        "--leaky", action="store_true", help="rows at random, to see what it claims"
    )
    given = parser.parse_args()
    if "boards" in given.only:
        judge_boards(given.data)
    if given.only == ["boards"]:
        return 0
    return 0 if judge_tiles(given.data, given) else 1


if __name__ == "__main__":
    sys.exit(main())
