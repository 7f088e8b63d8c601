"""The broker fixture: each test that uses it runs on amqtt and on mosquitto."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.connect.brokers import Amqtt, AnyBroker, Mosquitto, running


@pytest.fixture(
    params=["amqtt", pytest.param("mosquitto", marks=pytest.mark.peer("mosquitto"))],
)
async def broker(
    request: pytest.FixtureRequest, free_port: Callable[[], int], tmp_path: Path
) -> AsyncIterator[AnyBroker]:
    port = free_port()
    chosen: AnyBroker = Amqtt(port) if request.param == "amqtt" else Mosquitto(port, tmp_path)
    async with running(chosen):
        yield chosen
