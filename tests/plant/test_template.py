"""A new plant begins with a file that is right."""

from genba.plant.load import examine_text
from genba.plant.template import EDITOR_LINE, template_text


def test_the_template_has_no_problems() -> None:
    examined = examine_text(EDITOR_LINE + template_text("2026"))
    assert examined.problems == ()
    assert examined.plant is not None
    assert examined.plant.id == "2026"
