"""What a model said to pictures, counted, and held against what people say that they show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genba.learn.verify.budget import LEVEL

_TOLD = 50
"""Names that are kept."""


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of``, with exact one-sided bounds (Clopper, Pearson, *Biometrika* 26, 1934).

    Each bound is at 95%.
    """

    count: int
    of: int

    @property
    def low(self) -> float:
        """The true share is higher than this, at 95%."""
        from scipy.stats import beta

        if self.count == 0:
            return 0.0
        return float(beta.ppf(1 - LEVEL, self.count, self.of - self.count + 1))

    @property
    def high(self) -> float:
        """The true share is lower than this, at 95%."""
        from scipy.stats import beta

        if self.count == self.of:
            return 1.0
        return float(beta.ppf(LEVEL, self.count + 1, self.of - self.count))

    def __str__(self) -> str:
        """Say it to people."""
        return f"{self.count} of {self.of} ({self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of pictures.

    ``told`` names those that were told to be defective. Of labelled ones ``false`` says how many
    good ones are among them, ``kinds`` how many of each kind of defect, ``wrongly`` and ``missed``
    which, and ``auc`` how well the answers part both; None where nobody says, or one is missing.
    ``unfit`` says of each picture that could not be judged why. ``learned`` counts those that were
    left out, since the model had learned from them; None where it does not tell.
    """

    told: tuple[str, ...]
    judged: int
    labelled: bool
    false: Share | None
    kinds: Mapping[str, Share]
    auc: float | None
    unfit: Mapping[str, str]
    learned: int | None
    missed: tuple[str, ...] = ()
    wrongly: tuple[str, ...] = ()

    @property
    def found(self) -> Share | None:
        """Defects of all kinds that were told; None where none is labelled."""
        if not self.kinds:
            return None
        each = self.kinds.values()
        return Share(sum(one.count for one in each), sum(one.of for one in each))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "judged": self.judged,
            "told_defective": len(self.told),
            "told": list(self.told[:_TOLD]),
            "missed": list(self.missed[:_TOLD]),
            "good_told_falsely": _plain(self.false),
            "defects_found": _plain(self.found),
            "kinds": {kind: _plain(share) for kind, share in self.kinds.items()},
            "auc": None if self.auc is None else round(self.auc, 4),
            "unfit": dict(list(self.unfit.items())[:_TOLD]),
            "learned_from": self.learned,
        }


def _plain(share: Share | None) -> dict[str, Any] | None:
    if share is None:
        return None
    bounds = [round(share.low, 4), round(share.high, 4)]
    return {"count": share.count, "of": share.of, "share_95": bounds}
