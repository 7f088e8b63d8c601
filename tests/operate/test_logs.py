"""Logs: every line can be read by a machine, rotation bounds them, and no secret is in one."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from genba.errors import StateError
from genba.operate.logs import set_up, without_secrets


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for handler in handlers:  # or they would be closed
        root.removeHandler(handler)
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def test_json_lines_say_when_who_and_about_what(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "genba.log"
    set_up("json", level="info", file=file)
    logger = logging.getLogger("genba.connect.opcua")
    logger.warning("the link is down\nfor now", extra={"connection": "mill-1"})
    try:
        raise ValueError("password=hunter2")
    except ValueError:
        logger.exception("unexpected")
    logging.getLogger("genba.historian").debug("not asked for")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["level"] for line in lines] == ["warning", "error"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", lines[0].pop("time"))
    assert lines[0] == {
        "level": "warning",
        "part": "connect.opcua",
        "connection": "mill-1",
        "message": "the link is down\nfor now",
    }
    assert "ValueError: password=***" in lines[1]["error"]


SECRETS = [
    "opc.tcp://mill:hunter2-x9@10.0.0.5:4840 refused",
    "Authorization: Bearer genba_f2b99539_cBUpbT5z4ZeLnxw7JiQO6ZoGzE1dps89JWKu3PDRJbI",
    "login {'user': 'a', 'password': 'hunter2-x9'} failed",
    'config {"token": "hunter2-x9"}',
    "api_key=hunter2-x9; next",
    "the token genba_f2b99539_cBUpbT5z4ZeLnxw7JiQO6ZoGzE1dps89JWKu3PDRJbI is unknown",
    "the session genbas_f2b99539_cBUpbT5z4ZeLnxw7JiQO6ZoGzE1dps89JWKu3PDRJbI is over",
    # Written so that nobody takes it for a key that was committed.
    "-----BEGIN PRIVATE " + "KEY-----\nhunter2-x9\n-----END PRIVATE " + "KEY-----",
]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_reaches_a_log(tmp_path: Path, form: str) -> None:
    file = tmp_path / "genba.log"
    set_up(form, file=file)
    for secret in SECRETS:
        logging.getLogger("genba.connect").error("%s", secret)
    written = file.read_text()
    assert "hunter2" not in written
    assert "cBUpbT5z4Z" not in written
    assert written.count("***") >= len(SECRETS)
    assert len(written.splitlines()) == len(SECRETS)


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_others_sent_begins_no_line_and_steers_no_terminal(tmp_path: Path, form: str) -> None:
    file = tmp_path / "genba.log"
    set_up(form, file=file)
    logger = logging.getLogger("genba.access")
    logger.error("path=/x\n2026-01-01 ERROR genba: forged\r\x1b[2J")
    try:
        raise ValueError("trouble")
    except ValueError:
        logger.exception("a trace keeps its lines")
    first, *rest = file.read_text().splitlines()
    assert "forged" in first
    assert "\x1b" not in first
    assert (len(rest) > 3) is (form == "text")


def test_ordinary_lines_stay_as_they_are() -> None:
    for text in ("connection mill-1 is up", "see http://127.0.0.1:8460/api/v1", "3 tokens expired"):
        assert without_secrets(text) == text


def test_files_rotate(tmp_path: Path) -> None:
    file = tmp_path / "genba.log"
    set_up(file=file, file_bytes=2000, files=2)
    for n in range(200):
        logging.getLogger("genba").warning("line %d", n)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "genba.log",
        "genba.log.1",
        "genba.log.2",
    ]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert "line 199" in file.read_text()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"):
        set_up(file=tmp_path / "file" / "genba.log")
