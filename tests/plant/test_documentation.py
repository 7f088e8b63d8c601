"""The examples on the page about plant files are read as they stand."""

import re
from pathlib import Path

from genba.plant.load import examine_text

PAGE = Path(__file__).parents[2] / "docs/plant.md"


def test_every_example_is_valid_and_every_section_has_one() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    text = re.sub(
        r"\[([0-9.]+), [0-9.]+, \.\.\.\]",
        lambda match: f"[{', '.join([match[1]] * 24)}]",
        "\n".join(blocks),
    )
    examined = examine_text(text, "docs/plant.md")
    assert examined.plant is not None, [examined.tell(p) for p in examined.problems]
    unused = {name for name in type(examined.plant).model_fields if f"\n{name}:" not in f"\n{text}"}
    assert unused == set()
