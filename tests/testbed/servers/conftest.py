"""A client of the OPC UA servers that is not Genba's driver, with a certificate of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from genba.testbed.servers.identity import DeviceIdentity, ensure_identity, trust

MakeClient = Callable[..., "Client"]


@pytest.fixture(scope="session")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> DeviceIdentity:
    """Key and certificate of a client."""
    return ensure_identity(tmp_path_factory.mktemp("client"), "visitor", "127.0.0.1")


@pytest.fixture
def runtime(tmp_path: Path, visitor: DeviceIdentity) -> Path:
    """Runtime folder of a testbed that trusts the visitor."""
    trust(tmp_path, visitor.certificate)
    return tmp_path


@pytest.fixture
def client_of(visitor: DeviceIdentity) -> Callable[..., object]:
    """Return ``await client_of(url, user=None)``: a client, secured but not yet connected."""

    async def make(url: str, identity: DeviceIdentity = visitor, user: str = "") -> Client:
        client = Client(url, timeout=5)
        client.application_uri = identity.uri
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            str(identity.certificate),
            str(identity.key),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
        if user:
            name, password = user.split(":")
            client.set_user(name)
            client.set_password(password)
        return client

    return make
