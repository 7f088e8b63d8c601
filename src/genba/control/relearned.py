"""What came of learning a process anew."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relearned:
    """What came of learning a process anew.

    Attributes
    ----------
    taken : bool
        Whether what was learned is in force now.
    why : str
        In plain words: by how much it is better, or why it was not taken.
    model : str
        Short digest of what is in force.
    """

    process: str
    taken: bool
    why: str
    model: str
