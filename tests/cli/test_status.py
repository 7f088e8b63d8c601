"""``genba status`` and ``genba token``: clear to people, plain to scripts, and nothing shown."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.cli.command import genba, one_line

NOWHERE = "http://127.0.0.1:9"


class _Stranger(BaseHTTPRequestHandler):
    """A web server that is no Genba."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome to nginx!</html>")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_without_a_token(tmp_path: Path) -> None:
    line = one_line(genba("status", GENBA_TOKEN="", XDG_CONFIG_HOME=str(tmp_path)))
    assert line == (
        "genba: no token; log in with `genba login NAME`, or set GENBA_TOKEN to one of "
        "`genba token create NAME`"
    )


@pytest.mark.parametrize(
    "url",
    [NOWHERE, "http://no.such.host.invalid", "127.0.0.1:8460", "http://127.0.0.1:99999", "ftp://x"],
)
def test_where_no_genba_answers(url: str) -> None:
    line = one_line(genba("status", "--url", url, GENBA_TOKEN="genba_1_2"))
    assert line.startswith(f"genba: no Genba answers at {url} (")
    assert line.endswith("; start one with `genba run`, or give --url")


def test_somebody_else_at_that_address(stranger: str) -> None:
    line = one_line(genba("status", "--url", stranger, GENBA_TOKEN="genba_1_2"))
    assert line == f"genba: {stranger} answered with status 200, but is no Genba; give --url"


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(stranger: str) -> None:
    proxied = {"HTTP_PROXY": NOWHERE, "http_proxy": NOWHERE, "ALL_PROXY": NOWHERE}
    line = one_line(genba("status", "--url", stranger, GENBA_TOKEN="genba_1_2", **proxied))
    assert "but is no Genba" in line


def test_tokens_are_given_listed_and_revoked(tmp_path: Path) -> None:
    state = ("--state", tmp_path / "state")
    made = genba("token", "create", "line-screen", *state)
    assert made.exit_code == 0
    assert made.stdout.startswith("genba_")
    assert "only time" in made.stderr
    genba("token", "create", "ana", "--role", "operator", *state)
    listed = json.loads(genba("token", "list", "--json", *state).stdout)
    assert [(row["name"], row["role"]) for row in listed] == [
        ("line-screen", "viewer"),
        ("ana", "operator"),
    ]
    assert made.stdout.strip() not in genba("token", "list", *state).stdout
    assert genba("token", "revoke", "ana", *state).exit_code == 0
    assert len(json.loads(genba("token", "list", "--json", *state).stdout)) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ana", "--role", "king"), "'king' is no role; choose one of viewer, operator"),
        (("create", ""), "needs a name of 1 to 80 printable letters"),
        (("create", "taken"), "identity 'taken' exists; revoke it first or take another name"),
        (("revoke", "nobody"), "there is no identity 'nobody'; `genba token list` shows them"),
    ],
)
def test_what_cannot_be_done_with_a_token(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    state = ("--state", tmp_path / "state")
    genba("token", "create", "taken", *state)
    assert said in one_line(genba("token", *arguments, *state))
    assert len(json.loads(genba("token", "list", "--json", *state).stdout)) == 1


@pytest.mark.parametrize("command", ["list", "revoke"])
def test_looking_for_tokens_where_no_plant_is_makes_none(tmp_path: Path, command: str) -> None:
    arguments = ("ana",) if command == "revoke" else ()
    line = one_line(genba("token", command, *arguments, "--state", tmp_path / "typo"))
    assert f"{tmp_path / 'typo'} is no state folder" in line
    assert not (tmp_path / "typo").exists()


def test_a_damaged_identities_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    genba("token", "create", "ana", "--state", state)
    (state / "secrets" / "identities.json").write_text("{")
    line = one_line(genba("token", "list", "--state", state))
    assert "identities.json is damaged" in line
