"""Which pictures a model has seen, and in what light: so that it is not verified on them.

Kept with the model (``pictures.npz``): of each picture that it learned from, was chosen on or
tested on, a fingerprint and how it was exposed, not the picture.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from genba.learn.arrays import AnyArray, Bytes, Floats
from genba.learn.candidate import Candidate
from genba.learn.inspect.gallery import Gallery
from genba.learn.inspect.pictures import images_of
from genba.learn.registry.store import Registered, read_arrays, write_arrays

FILE = "pictures.npz"
LIGHT = ("brightness", "contrast")
"""What :func:`light_of` gives."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Fingerprints (n,) of the pictures that a model saw, and their ``light`` (n, 2)."""

    prints: frozenset[int]
    light: Floats


def print_of(pixels: Bytes) -> int:
    """Return a fingerprint, 63 bits, of a picture (height, width) of the model's own size."""
    return int.from_bytes(hashlib.sha256(pixels.tobytes()).digest()[:8], "big") >> 1


def light_of(pixels: AnyArray) -> tuple[float, float]:
    """Return mean and standard deviation of the gray values of a picture."""
    return float(pixels.mean()), float(pixels.std())


def with_seen(found: Candidate, gallery: Gallery) -> Candidate:
    """Keep with a candidate which pictures it has seen."""
    pixels = images_of(gallery.data).pixels
    arrays = {
        "prints": np.array([print_of(one) for one in pixels], np.int64),
        "light": np.array([light_of(one) for one in pixels], np.float64),
    }
    return replace(found, files={**found.files, FILE: write_arrays(arrays)})


def seen_by(model: Registered) -> Seen | None:
    """Return what a registered model has seen; None where it does not tell."""
    path = model.folder / FILE
    if not path.exists():
        return None
    arrays = read_arrays(path.read_bytes())
    prints = frozenset(int(one) for one in arrays["prints"])
    return Seen(prints, np.asarray(arrays["light"], np.float64))
