"""Lists of seeds, as people write them."""

import re

from genba.cli.output import fail


def seeds_in(text: str) -> list[int]:
    """Read ``1-5`` or ``1,4,7``; leaves with the mend where it is neither."""
    numbers: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            fail(f"'{text}' is no list of seeds; write it like 1-5 or 1,4,7")
        first, last = int(match[1]), int(match[2] or match[1])
        numbers += range(first, last + 1)
    if not numbers:
        fail(f"'{text}' holds no seed; write it like 1-5 or 1,4,7")
    return numbers
