"""The page about security names tests that are there, and promises what the code does."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text("utf-8")
ROW = re.compile(r"^\| ((?:CR|SAR) \d\.\d+)[^|]*\| ([^|]*) \| ([^|]*) \|([^|]*)\|$", re.M)
REQUIRED = {
    *(f"CR 1.{n}" for n in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14)),
    *(f"CR 2.{n}" for n in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
    *(f"CR 3.{n}" for n in range(1, 10)),
    *(f"CR 4.{n}" for n in (1, 2, 3)),
    *("CR 5.1", "CR 6.1", "CR 6.2", "SAR 2.4", "SAR 3.2"),
    *(f"CR 7.{n}" for n in (1, 2, 3, 4, 6, 7, 8)),
}
"""What IEC 62443-4-2 asks of a software application at security level 2 or below."""


def test_every_requirement_is_answered_once() -> None:
    told = [row[1] for row in ROW.finditer(PAGE)]
    assert sorted(told) == sorted(REQUIRED)


def test_every_test_that_is_named_exists() -> None:
    named = 0
    for row in ROW.finditer(PAGE):
        state, test = row[2].strip(), row[4].strip()
        assert state in ("met", "partly", "no", "n/a"), row[0]
        if not test:
            assert state != "met", f"{row[1]} is said to be met, and names no test"
            continue
        file, _, function = test.strip("`").partition("::")
        text = (ROOT / "tests" / file).read_text("utf-8")
        assert f"def {function}(" in text if function else "def test_" in text, test
        named += 1
    assert named > 35


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    from genba.operate.api.rates import Rate
    from genba.operate.api.serve import MOST_CONNECTIONS
    from genba.operate.people import attempts, passwords, sessions

    for text in (
        f"after {attempts.FREE['account']} in a row an account waits {attempts.FIRST_WAIT_S:.0f} s",
        f"up to\n  {attempts.LONGEST_WAIT_S / 60:.0f} minutes; an address after "
        f"{attempts.FREE['address']}",
        f"have {passwords.SHORTEST} letters or more",
        f"end after {sessions.IDLE_S / 60:.0f} minutes without use and after "
        f"{sessions.LONGEST_S / 3600:.0f} hours",
        f"{sessions.MOST} for each person",
        f"{MOST_CONNECTIONS} connections",
    ):
        assert text in PAGE, text
    api = (ROOT / "docs/api.md").read_text("utf-8")
    assert f"{Rate().per_s:.0f} requests in a second, {Rate().burst:.0f} at\nonce" in api


def test_no_private_key_lies_in_the_tree() -> None:
    """Keys are made where they are needed; one that is committed is known to everybody."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: there is nothing that was committed")
    mark = "-----BEGIN [A-Z ]*PRIVATE " + "KEY-----"
    command = ["git", "grep", "--cached", "-lE", "-e", mark]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")
