"""``genba federate``: founding, agreeing, taking part; processes that are killed and come back."""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyarrow import csv
from tests.cli.command import genba, one_line, started

SITES = ("east", "north", "west")
PLAN = {
    "federation": "still",
    "task": "softsensor",
    "target": {"name": "butane", "unit": "%"},
    "columns": [{"name": "melt", "unit": "Cel"}, {"name": "flow", "unit": "kg/h"}],
    "sites": list(SITES),
    "recipes": ["line"],
    "wait_s": 5,
    "gather_s": 60,
}
UNITS = ("--unit", "melt=Cel", "--unit", "flow=kg/h", "--unit", "butane=%")


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An authority, certificates, a plan, and a file for each site."""
    monkeypatch.chdir(tmp_path)
    assert genba("federate", "authority", "still").exit_code == 0
    for name in SITES:
        assert genba("federate", "request", name).exit_code == 0
    assert genba("federate", "request", "hub", "--host", "localhost").exit_code == 0
    for name in (*SITES, "hub"):
        assert genba("federate", "sign", f"federation/{name}.csr").exit_code == 0
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(PLAN), "utf-8")
    for place, name in enumerate(SITES):
        random = np.random.default_rng(place)
        melt, flow = random.normal(180 + place, 4, 240), random.normal(40, 3, 240)
        butane = 0.3 * melt - 0.5 * flow + random.normal(0, 1, 240)
        csv.write_csv(pa.table({"melt": melt, "flow": flow, "butane": butane}), f"{name}.csv")
    return tmp_path


def test_keys_lie_where_they_were_made_and_nobody_else_reads_them(works: Path) -> None:
    for name in ("authority", "hub", *SITES):
        assert (works / "federation" / f"{name}.key").stat().st_mode & 0o077 == 0
    assert "is there already" in one_line(genba("federate", "request", "east"))
    assert "cannot name a site" in one_line(genba("federate", "request", "East 1"))
    (works / "bad.csr").write_text("no request")
    assert "is no request" in one_line(genba("federate", "sign", "bad.csr"))


def test_what_is_wrong_with_a_plan_or_a_certificate_is_said_in_one_line(works: Path) -> None:
    wrong = PLAN | {"sites": ["east", "west"]}
    (works / "two.yaml").write_text(yaml.safe_dump(wrong), "utf-8")
    assert "two.yaml: sites" in one_line(genba("federate", "hub", "two.yaml"))
    assert "cannot be read" in one_line(genba("federate", "hub", "none.yaml"))
    told = one_line(genba("federate", "hub", "plan.yaml", "--cert", "federation/none.pem"))
    assert "none.pem cannot be read" in told
    (works / "federation" / "hub.key").chmod(0o644)
    told = one_line(genba("federate", "hub", "plan.yaml", "--port", "0"))
    assert "can be read by others; run: chmod 600" in told
    told = one_line(genba("federate", "show", "http://hub", "--cert", "federation/east.pem"))
    assert "write it like https://hub:8443" in told


def test_a_federation_outlives_the_killing_of_its_hub_and_of_a_site(works: Path) -> None:
    port = str(_free_port())
    url = f"https://localhost:{port}"
    hub = ("federate", "hub", "plan.yaml", "--port", port, "--state", "hub", "--json")

    def join(name: str) -> tuple[str, ...]:
        return (
            *("federate", "join", url, "--agree", digest, "--cert", f"federation/{name}.pem"),
            *("--file", f"{name}.csv", *UNITS, "--state", name, "--json", "--patience", "60"),
        )

    with ExitStack() as stack:

        def begin(name: str, *words: str) -> "subprocess.Popen[str]":
            return stack.enter_context(started(*words, errors=works / f"{name}.err", cwd=works))

        first = begin("hub-1", *hub)
        _until(lambda: "waiting for" in (works / "hub-1.err").read_text())
        shown = genba("federate", "show", url, "--cert", "federation/east.pem", "--json")
        digest = json.loads(shown.stdout)["digest"]
        refused = genba(*join("east")[:4], "0123456789ab", *join("east")[5:])
        assert "and you agreed to '0123456789ab'" in one_line(refused)
        fahrenheit = [word.replace("melt=Cel", "melt=[degF]") for word in join("east")]
        assert "'melt' is in '[degF]' here" in one_line(genba(*fahrenheit))
        sites = {name: begin(name, *join(name)) for name in SITES}
        _until(lambda: _sums(works) >= 2)
        first.kill()
        first.wait()
        sites["east"].kill()
        sites["east"].wait()
        second = begin("hub-2", *hub)
        sites["east"] = begin("east-2", *join("east"))
        told = second.communicate(timeout=120)[0]
        for name, site in sites.items():
            site.communicate(timeout=60)
            assert site.returncode == 0, (works / f"{name}.err").read_text()
        assert second.returncode == 0
        card = json.loads(told)
        assert card["recipe"] == "shared line"
    for name in SITES:
        listed = json.loads(genba("model", "list", "--state", name, "--json").stdout)
        assert [one["model"] for one in listed] == [card["model"]]
        left = json.loads(genba("federate", "ledger", "--state", name, "--json").stdout)
        questions = [one["question"] for one in left if one["what"] == "agreed"]
        assert len(questions) >= _sums(works)
        assert all(set(one["sites"]) == set(SITES) for one in left if one["what"] == "agreed")


def _sums(works: Path) -> int:
    ledger = works / "hub" / "federated" / "federation.jsonl"
    return ledger.read_text().count('"what":"summed"') if ledger.exists() else 0


def _until(done: Callable[[], bool], most_s: float = 120.0) -> None:
    end = time.monotonic() + most_s
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
