"""Folders of pictures: how they become a data set, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from tests.learn.inspect.folders import fill, part, save

from genba.errors import LearnError
from genba.learn.inspect.gallery import Wanted, read_gallery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "parts", good=8, bad=6)


def test_sub_folders_are_labels_and_masks_lie_beside_them(folder: Path) -> None:
    gallery = read_gallery(folder, Wanted(groups={"lot": r"lot(\d+)_"}))
    data = gallery.data
    assert data.rows == 14
    assert data.labels().sum() == 6
    assert sorted(set(gallery.kinds)) == ["good", "spot", "stain"]
    assert data.images is not None
    assert data.images.masks is not None
    assert np.array_equal(data.images.masks.any(axis=(1, 2)), data.labels() == 1)
    assert data.images.pixels[data.images.masks].mean() < 110
    assert data.groups["lot"][0] == gallery.names[0].split("lot")[1].split("_")[0]


def test_the_same_pictures_give_the_same_data_set(folder: Path) -> None:
    assert read_gallery(folder).data.digest() == read_gallery(folder).data.digest()


def test_names_of_the_mvtec_layout_are_understood(folder: Path) -> None:
    (folder / "masks").rename(folder / "ground_truth")
    for path in sorted((folder / "ground_truth").rglob("*.png")):
        path.rename(path.with_name(f"{path.stem}_mask.png"))
    images = read_gallery(folder).data.images
    assert images is not None
    assert images.masks is not None
    assert images.masks.any(axis=(1, 2)).sum() == 6


def test_a_table_gives_labels_and_groups(folder: Path) -> None:
    names = sorted(p.relative_to(folder).as_posix() for p in folder.glob("[!m]*/*.png"))
    lines = [f"{n},{'ok' if n.startswith('good') else 'nok'},{i // 2}" for i, n in enumerate(names)]
    table = folder / "labels.csv"
    table.write_text("picture,label,tray\n" + "\n".join(lines) + "\n")
    gallery = read_gallery(folder, Wanted("ok", table, groups={"tray": "tray"}))
    assert gallery.data.labels().sum() == 6
    assert len(np.unique(gallery.data.groups["tray"])) == 7


def test_all_pictures_may_be_scaled_and_masks_go_with_them(folder: Path) -> None:
    gallery = read_gallery(folder, Wanted(size=(16, 16)))
    images = gallery.data.images
    assert images is not None
    assert images.masks is not None
    assert images.pixels.shape == images.masks.shape == (14, 16, 16)
    assert gallery.shot == (32, 32)
    assert images.masks.any(axis=(1, 2)).sum() == 6


def test_pictures_of_two_sizes_are_refused(folder: Path) -> None:
    save(folder / "good" / "zz.png", np.full((32, 40), 9, np.uint8) * np.uint8(7))
    save(folder / "good" / "zz.png", part(np.random.default_rng(0), bad=False)[0][:20])
    with pytest.raises(LearnError, match=r"good/zz.png has 32x20 pixels, 14 others have 32x32"):
        read_gallery(folder)


def test_a_picture_that_is_black_is_refused(folder: Path) -> None:
    save(folder / "good" / "zz.png", np.zeros((32, 32), np.uint8))
    with pytest.raises(LearnError, match=r"good/zz.png is all black.*look after the camera"):
        read_gallery(folder)


def test_pictures_that_cannot_be_read_are_all_named_at_once(folder: Path) -> None:
    for name in ("x.png", "y.png"):
        (folder / "good" / name).write_bytes(b"broken")
    with pytest.raises(LearnError, match=r"(?s)x.png is no picture.*y.png is no picture"):
        read_gallery(folder)


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnError, match=r"all 5 pictures.*how well defects would be found"):
        read_gallery(fill(tmp_path / "only", good=5, bad=0))


def test_a_folder_without_good_ones_asks_for_their_name(folder: Path) -> None:
    with pytest.raises(LearnError, match=r"labelled 'fine'; labels are good, spot, stain.*--good"):
        read_gallery(folder, Wanted("fine"))


def test_pictures_without_a_label_are_refused(folder: Path) -> None:
    save(folder / "loose.png", part(np.random.default_rng(0), bad=False)[0])
    with pytest.raises(LearnError, match=r"nobody says what they show: loose.png"):
        read_gallery(folder)


def test_a_mask_of_a_good_picture_is_a_contradiction(folder: Path) -> None:
    name = next((folder / "good").glob("*.png")).name
    save(folder / "masks" / "good" / name, np.eye(32, dtype=np.uint8) * np.uint8(255))
    with pytest.raises(LearnError, match="mend the label or the mask"):
        read_gallery(folder)


def test_a_mask_that_belongs_to_no_picture_is_told(folder: Path) -> None:
    save(folder / "masks" / "spot" / "nobody.png", np.eye(32, dtype=np.uint8) * np.uint8(255))
    with pytest.raises(LearnError, match=r"belong to no picture: spot/nobody.png"):
        read_gallery(folder)


def test_a_pattern_that_does_not_name_every_group_is_refused(folder: Path) -> None:
    with pytest.raises(LearnError, match="finds no lot"):
        read_gallery(folder, Wanted(groups={"lot": r"batch(\d+)"}))
    with pytest.raises(LearnError, match="0 pairs of parentheses"):
        read_gallery(folder, Wanted(groups={"lot": r"lot\d+"}))


def test_a_table_that_names_what_is_not_there_is_refused(folder: Path) -> None:
    table = folder / "labels.csv"
    table.write_text("picture,label\ngood/none.png,good\n")
    with pytest.raises(LearnError, match=r"does not hold: good/none.png"):
        read_gallery(folder, Wanted(labels=table))
    table.write_text("file,label\ngood/none.png,good\n")
    with pytest.raises(LearnError, match="no column 'picture'"):
        read_gallery(folder, Wanted(labels=table))
