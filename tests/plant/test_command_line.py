"""``genba init`` and ``genba check`` as a user meets them, the devices over real OPC UA."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from tests.connect.opcua_device import Device, befriend
from tests.plant.plants import SMALL, changed
from typer.testing import CliRunner, Result

from genba.cli.main import app
from genba.connect import pki
from genba.operate.state import StateFolder
from genba.plant import load_plant


def genba(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    return result


async def genba_beside(*arguments: str | Path) -> Result:
    """Run a command in a thread, so that the server in this one goes on."""
    return await asyncio.to_thread(genba, *arguments)


@pytest_asyncio.fixture
async def device(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Device]:
    served = await Device(tmp_path / "device", free_port()).start()
    yield served
    await served.stop()


def test_a_new_plant_can_be_checked_at_once(tmp_path: Path) -> None:
    made = genba("init", tmp_path / "my works")
    assert made.exit_code == 0
    path = tmp_path / "my works" / "plant.yaml"
    assert path.read_text("utf-8").startswith("# yaml-language-server: $schema=plant.schema.json")
    assert json.loads((path.parent / "plant.schema.json").read_text("utf-8"))["title"] == "Plant"
    assert load_plant(path).id == "my-works"
    checked = genba("check", path)
    assert checked.exit_code == 0
    assert "0 errors, 0 warnings" in checked.output


def test_a_plant_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "plant.yaml").write_text("mine", encoding="utf-8")
    again = genba("init", tmp_path)
    assert again.exit_code == 1
    assert "exists and is left as it is" in again.output
    assert (tmp_path / "plant.yaml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--browse", "http://127.0.0.1"), "no OPC UA address"),
        (("--browse", "opc.tcp://127.0.0.1:9", "--insecure", "--timeout", "5"), "127.0.0.1:9"),
        (("--browse", "opc.tcp://127.0.0.1:9", "--credentials", "nobody"), "nobody"),
    ],
)
def test_a_server_that_cannot_be_browsed(
    tmp_path: Path, arguments: tuple[str, ...], what: str
) -> None:
    result = genba("init", tmp_path / "new", *arguments)
    assert result.exit_code == 1
    assert what in result.output
    assert not (tmp_path / "new" / "plant.yaml").exists()


def test_problems_come_with_file_line_and_mend_and_exit_code_1(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(changed("unit: kWh", "unit: kwh"), encoding="utf-8")
    result = genba("check", path)
    assert result.exit_code == 1
    line = SMALL[: SMALL.index("unit: kWh")].count("\n") + 1
    assert f"error: {path}:{line}: equipment[mill].signals[mill.energy].unit: " in result.output
    assert "write 'kWh'" in result.output


def test_a_driver_that_is_not_installed(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(changed("driver: opcua", "driver: opcau"), encoding="utf-8")
    result = genba("check", path)
    assert result.exit_code == 1
    line = SMALL[: SMALL.index("driver: opcua")].count("\n") + 1
    assert f"error: {path}:{line}: connections[" in result.output
    assert "there is no driver 'opcau'; write one of modbus, opcua" in result.output


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for arguments in (("init",), ("testbed", "files")):
        result = genba(*arguments, tmp_path / "file")
        assert result.exit_code == 1
        assert str(tmp_path / "file") in result.output
        assert len(result.output.splitlines()) == 1


def test_json_for_scripts(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(changed("unit: kWh", "unit: kwh"), encoding="utf-8")
    told = json.loads(genba("check", path, "--json").output)
    assert told["ok"] is False
    errors = [p for p in told["problems"] if p["severity"] == "error"]
    assert [p["where"] for p in errors] == ["equipment[mill].signals[mill.energy].unit"]
    assert "live" not in told


def test_a_file_that_is_no_plant(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    assert "genba init" in genba("check", path).output
    path.write_text("a: [", encoding="utf-8")
    result = genba("check", path)
    assert result.exit_code == 1
    assert result.output.startswith(f"genba: {path}:")


async def test_from_a_server_to_a_checked_plant(tmp_path: Path, device: Device) -> None:
    """The first minutes of a user with an OPC UA server of their own."""
    folder = tmp_path / "works"
    first = await genba_beside("init", folder, "--browse", device.url)
    assert first.exit_code == 1
    assert "genba trust add" in first.output
    befriend(device, folder / "state" / "pki")
    made = await genba_beside("init", folder, "--browse", device.url)
    assert made.exit_code == 0, made.output
    plant = load_plant(folder / "plant.yaml")
    assert plant.signals["press.temperature"].unit == "Cel"
    assert plant.signals["press.temperature"].range is not None
    assert plant.signals["press.speed"].writable
    checked = await genba_beside("check", folder / "plant.yaml", "--live")
    assert checked.exit_code == 0, checked.output
    assert "7 of 7 signals answered rightly" in checked.output


async def test_live_names_each_signal_that_is_wrong(tmp_path: Path, device: Device) -> None:
    befriend(device, StateFolder(tmp_path / "state").pki)
    path = tmp_path / "plant.yaml"
    await device.put("Temperature", 500.0)
    path.write_text(
        f"""
id: live
connections: [{{id: c, driver: opcua, url: "{device.url}"}}]
equipment:
  - id: press
    connection: c
    signals:
      - {{id: good, address: "ns={device.namespace};s=Count", type: int}}
      - {{id: hot, address: "ns={device.namespace};s=Temperature", range: {{low: 0, high: 300}}}}
      - {{id: absent, address: "ns={device.namespace};s=Nothing"}}
      - {{id: mistyped, address: "ns={device.namespace};s=Lots"}}
""",
        encoding="utf-8",
    )
    result = await genba_beside("check", path, "--live", "--json")
    assert result.exit_code == 1
    live = {entry["signal"]: entry for entry in json.loads(result.output)["live"]}
    assert live[None]["ok"]
    assert live["press.good"] == {
        "connection": "c", "signal": "press.good", "ok": True, "text": "0"
    }  # fmt: skip
    assert "outside the range 0 to 300" in live["press.hot"]["text"]
    assert "Nothing" in live["press.absent"]["text"]
    assert "press.mistyped" in live["press.mistyped"]["text"]
    assert "float" in live["press.mistyped"]["text"]
    assert not any(live[f"press.{name}"]["ok"] for name in ("hot", "absent", "mistyped"))
    told = await genba_beside("check", path, "--live")
    assert "1 of 4 signals answered rightly" in told.output
    assert told.output.count("error: ") == 3


async def test_live_says_which_connection_is_down_or_not_trusted(
    tmp_path: Path, device: Device, free_port: Callable[[], int]
) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text(
        f"""
id: live
connections:
  - {{id: strange, driver: opcua, url: "{device.url}"}}
  - {{id: gone, driver: opcua, url: "opc.tcp://127.0.0.1:{free_port()}"}}
  - {{id: nodriver, driver: acme, url: "acme://x"}}
equipment:
  - {{id: a, connection: strange, signals: [{{id: x, address: "ns=2;s=Count", type: int}}]}}
  - {{id: b, connection: gone, signals: [{{id: x, address: "ns=2;s=Count", type: int}}]}}
  - {{id: c, connection: nodriver, signals: [{{id: x, address: "x", type: int}}]}}
""",
        encoding="utf-8",
    )
    result = await genba_beside("check", path, "--live", "--json", "--timeout", "10")
    assert result.exit_code == 1
    told = {entry["connection"]: entry["text"] for entry in json.loads(result.output)["live"]}
    assert "is not trusted" in told["strange"]
    assert "gone" in told["gone"]
    assert "no driver 'acme'" in told["nodriver"]
    assert [entry.trusted for entry in pki.certificates(tmp_path / "state" / "pki")] == [False]
