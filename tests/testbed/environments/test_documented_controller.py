"""The controller in the documentation runs as it stands, and earns what is said of it."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "environments.md"


def test_the_documented_controller_earns_what_the_page_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (block,) = (code for code in re.findall(r"```python\n(.*?)```", page, re.S) if "Cooler" in code)
    exec(compile(block, str(PAGE), "exec"), {"__name__": "documented"})
    (said,) = re.findall(r"It prints `(.*?)`", page)
    assert capsys.readouterr().out.strip() == said
