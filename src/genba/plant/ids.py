"""Ids and the base of every value in the vocabulary."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$", max_length=96)]
"""A name that stands in files, addresses and URLs: letters, digits, ``_ . / -``."""


class Value(BaseModel):
    """A frozen, validated value. Unknown fields are refused, so a typing error is found."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
