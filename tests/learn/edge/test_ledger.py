"""What was done is written down for good."""

from pathlib import Path

import pytest

from genba.errors import LearnError
from genba.learn.edge.ledger import Ledger


def filled(path: Path) -> Ledger:
    ledger = Ledger(path / "history.jsonl")
    for number in range(5):
        ledger.add(number, "did", count=number, text="x" * number)
    return ledger


def test_it_tells_what_was_added_in_order(tmp_path: Path) -> None:
    lines = list(filled(tmp_path).lines())
    assert [(line.number, line.time, line.facts["count"]) for line in lines] == [
        (n + 1, n, n) for n in range(5)
    ]


@pytest.mark.parametrize("change", ["alter", "drop", "swap", "insert"])
def test_a_change_in_the_middle_is_noticed(tmp_path: Path, change: str) -> None:
    ledger = filled(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    if change == "alter":
        lines[1] = lines[1].replace(b'"count":1', b'"count":7')
    elif change == "drop":
        del lines[2]
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines.insert(2, lines[1])
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(LearnError, match="altered"):
        list(ledger.lines())


def test_a_line_that_a_crash_left_half_written_is_mended(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    with ledger.path.open("ab") as file:
        file.write(b'{"number":6,"ti')
    ledger.add(9, "went on")
    assert [line.what for line in ledger.lines()][-2:] == ["did", "went on"]


def test_an_empty_one_tells_nothing(tmp_path: Path) -> None:
    assert list(Ledger(tmp_path / "none").lines()) == []
