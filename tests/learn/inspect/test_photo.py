"""Single pictures: what is taken, and what is refused with the mend."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genba.errors import LearnError
from genba.learn.inspect.photo import read_mask, read_photo, shows_nothing

GRAY = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)
    return path


@pytest.mark.parametrize("mode", [None, "RGB", "P", "RGBA"])
def test_a_gray_picture_is_the_same_however_it_is_stored(tmp_path: Path, mode: str | None) -> None:
    assert np.array_equal(read_photo(save(tmp_path / "a.png", GRAY, mode)), GRAY)


def test_a_color_picture_is_refused_unless_colors_may_be_turned_into_gray(tmp_path: Path) -> None:
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    path = save(tmp_path / "red.png", red)
    with pytest.raises(LearnError, match=r"red\.png is in color.*up to 200.*--gray"):
        read_photo(path)
    assert read_photo(path, gray=True)[0, 0] == 60  # 0.299 * 200


def test_more_than_eight_bits_are_refused_not_cut(tmp_path: Path) -> None:
    path = save(tmp_path / "deep.png", np.full((8, 8), 3000, np.uint16))
    with pytest.raises(LearnError, match="more than 8 bits"):
        read_photo(path)


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    with pytest.raises(LearnError, match="is no picture"):
        read_photo(path)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    source = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    path = save(tmp_path / "half.png", source)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(LearnError, match="cannot be read"):
        read_photo(path)


def test_a_picture_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LearnError, match="there is no picture"):
        read_photo(tmp_path / "none.png")


def test_scaling_takes_the_mean_over_the_area(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.array([[0, 100], [100, 200]], np.uint8).repeat(8, 0))
    assert np.array_equal(read_photo(path, size=(1, 2)), [[50, 150]])


def test_a_mask_of_another_size_than_its_picture_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(LearnError, match=r"has 8x8 pixels, its picture 20x12"):
        read_mask(path, (12, 20))


def test_a_picture_given_for_a_mask_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "mask.png", GRAY)
    with pytest.raises(LearnError, match="neither black nor white"):
        read_mask(path, (12, 20))


@pytest.mark.parametrize("white", [1, 255])
def test_a_mask_of_ones_means_the_same_as_one_of_white(tmp_path: Path, white: int) -> None:
    wanted = np.zeros((8, 8), np.bool_)
    wanted[2:4, 3:5] = True
    path = save(tmp_path / "mask.png", wanted.astype(np.uint8) * np.uint8(white))
    assert np.array_equal(read_mask(path, (8, 8)), wanted)


def test_a_dead_camera_is_told_and_a_dim_one_is_not() -> None:
    source = np.random.default_rng(0)
    black = source.integers(0, 5, (20, 20)).astype(np.uint8)
    assert "all black" in shows_nothing(black)
    assert "flat gray of 128" in shows_nothing(np.full((20, 20), 128, np.uint8))
    assert shows_nothing(source.integers(5, 30, (20, 20)).astype(np.uint8)) == ""
