"""What the camera might have seen instead: masks move with pictures, and light changes them."""

import numpy as np

from genba.learn.inspect.camera import seen_otherwise


def test_masks_move_with_their_pictures() -> None:
    pixels = np.full((20, 48, 48), 120.0)
    masks = np.zeros(pixels.shape, np.bool_)
    masks[:, 14:20, 26:33] = True
    pixels[masks] = 10.0
    seen, moved = seen_otherwise(pixels, masks, np.random.default_rng(0), turned=True)
    assert moved is not None
    assert seen.dtype == moved.dtype == np.float32
    assert seen[moved > 0].mean() < 0.4 * seen[moved == 0].mean()
    assert len({tuple(np.argwhere(one > 0)[0]) for one in moved}) > 10


def test_parts_that_are_never_turned_are_not_shown_turned() -> None:
    masks = np.zeros((30, 48, 48), np.bool_)
    masks[:, 20:22, 12:36] = True
    pixels = np.full(masks.shape, 120.0)
    _, flat = seen_otherwise(pixels, masks, np.random.default_rng(0), turned=False)
    assert flat is not None
    assert all(np.ptp(np.argwhere(one > 0)[:, 0]) == 1 for one in flat)


def test_light_differs_over_the_picture_and_the_same_seed_gives_the_same() -> None:
    pixels = np.full((8, 48, 48), 120.0)
    seen, none = seen_otherwise(pixels, None, np.random.default_rng(3), turned=False)
    again, _ = seen_otherwise(pixels, None, np.random.default_rng(3), turned=False)
    assert none is None
    assert np.array_equal(seen, again)
    corners = seen[:, [2, 2, -3, -3], [2, -3, 2, -3]]
    assert np.ptp(corners, axis=1).mean() > 10
