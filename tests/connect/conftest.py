"""The broker, amqtt and mosquitto for each test; and the foreign OPC UA server."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.connect.brokers import Amqtt, AnyBroker, Mosquitto, running
from tests.connect.opcua_mill import Mill, new_mill


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


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mill]:
    made = new_mill(tmp_path_factory.mktemp("mill"))
    yield made
    made.stop()
