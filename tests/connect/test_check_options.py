"""Wrong options of a connection are found without reaching the device."""

import pytest
from typer.testing import CliRunner

from genba.cli.main import app
from genba.connect import check_options, known_drivers
from genba.plant import Connection


def connection(driver, url, **options):
    return Connection(id="c-1", driver=driver, url=url, options=options)


VEHICLE = {"interface": "uagv", "manufacturer": "Acme", "serial": "1", "version": "2.1.0"}


@pytest.mark.parametrize(
    ("driver", "url", "needed"),
    [
        ("opcua", "opc.tcp://192.0.2.1:4840", {}),
        ("modbus", "modbus://192.0.2.1:502", {}),
        ("vda5050", "mqtts://192.0.2.1:8883", VEHICLE),
        ("sparkplug", "mqtts://192.0.2.1:8883", {"group": "plant", "node": "climate"}),
    ],
)
def test_every_driver_names_an_unknown_option(driver, url, needed):
    assert driver in known_drivers()
    assert check_options(connection(driver, url, **needed)) == []
    (problem,) = check_options(connection(driver, url, **needed, colour="red"))
    assert problem.text == "option 'colour' is not known"
    assert problem.mend


def test_a_right_connection_has_no_problems():
    right = connection("opcua", "opc.tcp://192.0.2.1", security="Aes256_Sha256_RsaPss")
    assert check_options(right) == []


@pytest.mark.parametrize("policy", ["Basic128Rsa15", "Basic256", "None"])
def test_a_broken_security_policy_is_refused_with_those_there_are(policy):
    (problem,) = check_options(connection("opcua", "opc.tcp://192.0.2.1", security=policy))
    assert f"{policy} is broken" in problem.text
    assert "Basic256Sha256" in problem.text
    assert problem.path == ("options", "security")


def test_talking_in_the_clear_has_to_be_asked_for():
    (problem,) = check_options(connection("opcua", "opc.tcp://192.0.2.1", mode="None"))
    assert "insecure: true" in problem.text
    clear = connection("opcua", "opc.tcp://192.0.2.1", mode="None", insecure=True)
    assert check_options(clear) == []


def test_all_that_is_wrong_is_told_at_once():
    wrong = connection("opcua", "http://192.0.2.1", publish_ms=1, queue_size=0)
    assert [problem.path for problem in check_options(wrong)] == [
        ("options", "publish_ms"),
        ("options", "queue_size"),
        ("url",),
    ]


def test_genba_check_shows_file_line_and_mend(tmp_path):
    file = tmp_path / "plant.yaml"
    file.write_text(
        "id: small\n"
        "connections:\n"
        "  - id: press-1\n"
        "    driver: opcua\n"
        "    url: opc.tcp://192.0.2.1:4840\n"
        "    options:\n"
        "      security: Basic256\n"
    )
    done = CliRunner().invoke(app, ["check", str(file)])
    assert done.exit_code == 1
    assert "plant.yaml:7" in done.output
    assert "Basic256 is broken" in done.output
