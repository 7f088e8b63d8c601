# ruff: noqa: E501 - a table of slips reads better with one slip in a row
"""Uplinks of a plant file: what is taken, and what is refused with its mend."""

import pytest
from tests.plant.plants import SMALL, errors_of

ONE = "{id: hub, url: 'mqtts://hub.example', group: works, node: lisbon}"


def with_uplinks(*uplinks: str) -> str:
    return SMALL.rstrip("\n") + "\nuplinks:\n" + "".join(f"  - {uplink}\n" for uplink in uplinks)


def test_an_uplink_of_all_signals_is_fine() -> None:
    assert errors_of(with_uplinks(ONE)) == []


@pytest.mark.parametrize(
    ("uplinks", "where", "what", "mend"),
    [
        ((ONE, ONE.replace("lisbon", "porto")), "uplinks[hub].id", "'hub' is there twice", "rename"),
        ((ONE, ONE.replace("id: hub", "id: b")), "uplinks[b].node", "uplink 'hub' is node", "another"),
        ((ONE.replace("mqtts", "http"),), "uplinks[hub].url", "no MQTT broker", "mqtts://"),
        ((ONE.replace("}", ", signals: [mil.t]}"),), "signals[1]", "no signal fits 'mil.t'", "mill.t"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_mend(
    uplinks: tuple[str, ...], where: str, what: str, mend: str
) -> None:
    [problem] = errors_of(with_uplinks(*uplinks))
    assert where in problem.where
    assert what in problem.text
    assert mend in problem.mend
