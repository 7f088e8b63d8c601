"""What was done is written down for good, by whomever, in one form."""

import json
import multiprocessing
from pathlib import Path

import pytest

from genba.errors import LearnError
from genba.learn.registry.history import History, What

NOW = "2026-01-05T06:00:00Z"


def filled(path: Path) -> History:
    history = History(path / "history.jsonl")
    for number in range(5):
        history.add(What.STARTED, f"m{number}", NOW, by="ada", where="edge-1", data={"n": number})
    return history


def test_it_tells_what_was_added_in_order_and_of_one_model(tmp_path: Path) -> None:
    history = filled(tmp_path)
    assert [(e.number, e.model, e.data["n"]) for e in history.events()] == [
        (n + 1, f"m{n}", n) for n in range(5)
    ]
    (event,) = history.events("m3")
    assert (event.what, event.by, event.where, event.time) == (What.STARTED, "ada", "edge-1", NOW)


@pytest.mark.parametrize("change", ["alter", "drop", "swap", "insert", "garble"])
def test_a_change_in_the_middle_is_noticed_by_whoever_reads(tmp_path: Path, change: str) -> None:
    history = filled(tmp_path)
    lines = history.path.read_bytes().splitlines(keepends=True)
    if change == "alter":
        lines[1] = lines[1].replace(b"edge-1", b"edge-2")
    elif change == "drop":
        del lines[2]
    elif change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif change == "insert":
        lines.insert(2, lines[1])
    else:
        lines[2] = b"no line of ours\n"
    history.path.write_bytes(b"".join(lines))
    with pytest.raises(LearnError, match=r"was altered or damaged at line [23]"):
        history.events()


def test_a_line_that_a_crash_left_half_written_is_mended(tmp_path: Path) -> None:
    history = filled(tmp_path)
    with history.path.open("ab") as file:
        file.write(b'{"number":6,"ti')
    assert len(history.events()) == 5
    history.add(What.STOPPED, "m", NOW)
    assert [event.what for event in history.events()][-2:] == [What.STARTED, What.STOPPED]


def test_adding_reads_the_last_line_alone(tmp_path: Path) -> None:
    history = filled(tmp_path)
    lines = history.path.read_bytes().splitlines(keepends=True)
    history.path.write_bytes(b"".join([b"garbage\n", *lines[1:]]))
    assert history.add(What.STOPPED, "m", NOW).number == 6
    history.path.write_bytes(b"".join([*lines, b"garbage\n"]))
    with pytest.raises(LearnError, match="altered or damaged at its end"):
        history.add(What.STOPPED, "m", NOW)


@pytest.mark.parametrize(
    "line",
    [
        {"number": 1, "time": 0, "what": "did", "facts": {}, "previous": "0" * 64},
        {"number": 0, "time": NOW, "what": "registered", "model": "m", "seal": "0" * 64},
    ],
)
def test_a_file_of_another_form_is_told_with_the_mend(
    tmp_path: Path, line: dict[str, object]
) -> None:
    history = History(tmp_path / "history.jsonl")
    history.path.write_text(json.dumps(line) + "\n")
    with pytest.raises(LearnError, match=r"no history of models .*move it"):
        history.events()
    with pytest.raises(LearnError, match=r"no history of models .*move it"):
        history.add(What.STOPPED, "m", NOW)


def _add(path: Path) -> None:
    for _ in range(20):
        History(path).add(What.STARTED, "m", NOW)


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add, args=(path,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(History(path).events()) == 60


def test_none_tells_nothing_and_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert History(tmp_path / "none").events() == ()
    (tmp_path / "folder").mkdir()
    with pytest.raises(LearnError, match="cannot be written"):
        History(tmp_path / "folder").add(What.STARTED, "m", NOW)
