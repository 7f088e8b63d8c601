"""A session with a device that both sides trust."""

import asyncio
import datetime as dt
import socket
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.ua.ua_binary import struct_from_binary

from genba.connect import pki
from genba.connect.driver import DriverContext
from genba.connect.opcua.faults import TRANSPORT_ERRORS, refused, unreachable
from genba.connect.opcua.options import OpcUaOptions, SecurityPolicy
from genba.errors import ConnectionLost, DeviceError, Untrusted

_POLICIES: dict[SecurityPolicy, type[security_policies.SecurityPolicy]] = {
    SecurityPolicy.BASIC256SHA256: security_policies.SecurityPolicyBasic256Sha256,
    SecurityPolicy.AES128_SHA256_RSAOAEP: security_policies.SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicy.AES256_SHA256_RSAPSS: security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_RENEW_AT = 0.75
"""Part of a channel's life after which its keys are renewed (OPC 10000-4, 5.5.2)."""

_MOST_DOUBTS = 3
_REACH_S = 2.0
"""Longest wait for a known device to greet: the next attempt may find the link mended."""

ResponseT = TypeVar("ResponseT")


class Session:
    """One secured session. It outlives a broken link: :meth:`resume` takes it up again.

    Raises
    ------
    DeviceError
        From every method, when the device or the link fails; :class:`Untrusted` where one side
        does not trust the other.
    """

    def __init__(self, context: DriverContext, options: OpcUaOptions) -> None:
        self._context = context
        self._options = options
        self._who = f"connection {context.connection.id}"
        self._client: Client | None = None
        self._own = ""
        self._renewal: asyncio.Task[None] | None = None
        self._doubts = 0
        self._certificate = b""
        self._valid_until: dt.datetime | None = None
        self._note = ""
        self.serial = 0
        """Counts the sessions that were opened; each is another one to the device."""
        self.started: object = None
        """When the device's server was started, as it says itself."""
        self.namespaces: list[str] = []

    @property
    def client(self) -> Client:
        """The asyncua client behind this session."""
        if self._client is None:
            raise ConnectionLost(f"{self._who}: not connected; call connect() first")
        return self._client

    async def open(self) -> None:
        """Open channel and session anew; the old one is let go only when that worked."""
        if self._options.insecure and self._context.credentials is not None:
            raise Untrusted(
                f"{self._who}: insecure: true sends everything to {self._url} in the clear, and "
                "nobody knows who listens there, so no password is sent; leave insecure or the "
                "credentials out"
            )
        if self._options.insecure:
            client = await self._opened(None)
        else:
            client = await self._open_secured()
        await self.drop()
        self.serial += 1
        await self._use(client)

    async def _open_secured(self) -> Client:
        """Open with our certificate; with the one before, while the device does not trust this."""
        folder = self._context.pki
        identity = await asyncio.to_thread(pki.ensure_identity, folder)
        try:
            client = await self._opened(identity)
        except Untrusted as refusal:
            former = await asyncio.to_thread(pki.former_identity, folder)
            if former is None:
                raise
            try:
                client = await self._opened(former)
            except DeviceError:
                raise refusal from None
            self._note = (
                f"{self._who}: {self._url} does not trust this plant's renewed certificate, and "
                f"the old one ends on {former.not_after:%Y-%m-%d}; let it trust "
                f"{identity.certificate}"
            )
        else:
            self._note = ""
        return client

    async def _opened(self, identity: pki.Identity | None) -> Client:
        client = self._new_client()
        try:
            if identity is not None:
                await self._secure(client, identity)
            await self._open_channel(client)
            await self._log_in(client)
        except BaseException:
            client.disconnect_socket()
            raise
        return client

    @property
    def note(self) -> str:
        """What is about to go wrong with the certificates; empty if nothing is."""
        left = self._valid_until - dt.datetime.now(dt.UTC) if self._valid_until else None
        if not self._note and left is not None and left < pki.RENEW_BEFORE:
            return (
                f"{self._who}: the certificate of {self._url} ends on "
                f"{self._valid_until:%Y-%m-%d}; renew it on the device, and trust the new one"
            )
        return self._note

    async def resume(self) -> bool:
        """Open a new channel for the old session; False where only a new one can help.

        A device that accepts the link but not the channel may be busy: it is given the benefit
        of the doubt a few times. One that shows another certificate than before is another one.
        """
        client = self._client
        if client is None or not client.uaclient.has_session:
            return False
        self._cut(client)
        if not self._options.insecure:
            certificate = await self._require_certificate(self._new_client())
            if certificate != self._certificate:
                return False
        await self._reach(client)
        try:
            async with asyncio.timeout(self._options.timeout_s * 2):
                await client.open_secure_channel()
                client.uaclient.session.rebind_authentication_token()
                await self._activate(client)
        except ua.UaStatusCodeError:
            return False
        except (AssertionError, *TRANSPORT_ERRORS) as error:
            self._doubts += 1
            if self._doubts > _MOST_DOUBTS:
                return False
            raise unreachable(self._who, self._url, error) from error
        await self._use(client)
        return True

    async def _use(self, client: Client) -> None:
        self._client = client
        self._doubts = 0
        self._renewal = asyncio.create_task(self._renew(client))
        wanted = (ua.ObjectIds.Server_NamespaceArray, ua.ObjectIds.Server_ServerStatus_StartTime)
        try:
            names, started = await client.uaclient.read_attributes(
                [ua.NodeId(node) for node in wanted], ua.AttributeIds.Value
            )
        except TRANSPORT_ERRORS as error:
            raise unreachable(self._who, self._url, error) from error
        self.namespaces = list(names.Value.Value or []) if names.Value is not None else []
        self.started = started.Value.Value if started.Value is not None else None

    async def transfer(self, subscriptions: Sequence[int]) -> dict[int, list[int]]:
        """Take over subscriptions of an older session (OPC 10000-4, 5.14.7).

        Gives back those that the device still has, each with the numbers of the messages that it
        keeps. Their present values are not sent again.
        """
        if not subscriptions:
            return {}
        request = ua.TransferSubscriptionsRequest()
        request.Parameters.SubscriptionIds = list(subscriptions)
        request.Parameters.SendInitialValues = False
        try:
            response = await self.request(request, ua.TransferSubscriptionsResponse)
        except ua.UaStatusCodeError:
            return {}  # not every device can
        return {
            number: list(result.AvailableSequenceNumbers or [])
            for number, result in zip(subscriptions, response.Parameters.Results, strict=True)
            if result.StatusCode.is_good()
        }

    async def request(
        self, request: Any, response: type[ResponseT], timeout_s: float | None = None
    ) -> ResponseT:
        """Send any service request and read its response."""
        body = await self.raw_request(request, timeout_s)
        return cast("ResponseT", struct_from_binary(response, body))

    async def raw_request(self, request: Any, timeout_s: float | None = None) -> Any:
        """Send any service request; the response's bytes come as asyncua's buffer."""
        protocol = self.client.uaclient.protocol
        if protocol is None:
            raise ConnectionLost(f"{self._who}: the link to {self._url} is down")
        return await protocol.send_request(request, timeout_s)

    async def drop(self) -> None:
        """Let go of link and session without asking the device."""
        client, self._client = self._client, None
        if client is not None:
            self._cut(client)

    async def close(self) -> None:
        """Tell the device that the session ends, then let go."""
        client = self._client
        if client is not None and client.uaclient.has_transport:
            try:
                async with asyncio.timeout(min(2.0, self._options.timeout_s)):
                    await client.uaclient.close_session(True)
                    await client.close_secure_channel()
            except TRANSPORT_ERRORS:
                pass  # the device may be gone already; the session then ends by its own timeout
        await self.drop()

    def _new_client(self) -> Client:
        client = Client(self._url, timeout=self._options.timeout_s)
        client.name = "Genba"
        client.description = f"Genba {self._context.connection.id} on {socket.gethostname()}"
        client.product_uri = "urn:genba"
        client.session_timeout = int(self._options.outage_s * 1000)
        client.uaclient.pre_request_hook = None
        return client

    async def _secure(self, client: Client, identity: pki.Identity) -> None:
        self._own = str(identity.certificate)
        policy, mode = self._wanted()
        certificate = await self._require_certificate(client)
        client.application_uri = identity.uri
        await client.set_security(
            policy,
            identity.certificate,
            identity.key,
            server_certificate=certificate,
            mode=mode,
        )
        self._certificate = certificate

    async def _require_certificate(self, client: Client) -> bytes:
        """Ask the device for its certificate, over a link of its own; it must be trusted."""
        await self._reach(client)
        try:
            async with asyncio.timeout(self._options.timeout_s * 2):
                await client.open_secure_channel()
                endpoints = await client.get_endpoints()
                await client.close_secure_channel()
        except (AssertionError, *TRANSPORT_ERRORS) as error:
            raise unreachable(self._who, self._url, error) from error
        finally:
            client.disconnect_socket()
        policy, mode = self._wanted()
        certificate = self._certificate_of(endpoints, policy.URI, mode)
        self._valid_until = pki.require_trusted(
            self._context.pki, certificate, f"{self._who} at {self._url}"
        )
        return certificate

    def _wanted(self) -> tuple[type[security_policies.SecurityPolicy], ua.MessageSecurityMode]:
        mode = getattr(ua.MessageSecurityMode, self._options.mode.value)
        return _POLICIES[self._options.security], mode

    async def _reach(self, client: Client) -> None:
        """Open the link, and be greeted: a frozen device is linked to, and says nothing."""
        patience = self._options.timeout_s
        if self.serial:
            patience = min(patience, _REACH_S)
        try:
            async with asyncio.timeout(patience):
                await client.connect_socket()
                await client.send_hello()
        except TRANSPORT_ERRORS as error:
            client.disconnect_socket()
            raise unreachable(self._who, self._url, error) from error

    def _certificate_of(
        self, endpoints: list[ua.EndpointDescription], policy: str, mode: ua.MessageSecurityMode
    ) -> bytes:
        for endpoint in endpoints:
            is_tcp = str(endpoint.EndpointUrl).startswith("opc.tcp:")
            if is_tcp and (endpoint.SecurityPolicyUri, endpoint.SecurityMode) == (policy, mode):
                der: bytes = endpoint.ServerCertificate or b""
                return der[: int.from_bytes(der[2:4], "big") + 4]  # the first of a chain
        offered = {
            f"{str(e.SecurityPolicyUri).rpartition('#')[2]}/{e.SecurityMode.name.rstrip('_')}"
            for e in endpoints
        }
        raise Untrusted(
            f"{self._who}: {self._url} does not offer {self._options.security.value}/"
            f"{self._options.mode.value}; it offers {', '.join(sorted(offered)) or 'nothing'}. "
            "Enable it on the device, or choose another with options security and mode"
        )

    async def _open_channel(self, client: Client) -> None:
        await self._reach(client)
        try:
            async with asyncio.timeout(self._options.timeout_s * 2):
                await client.open_secure_channel()
                await client.create_session()
        except AssertionError as error:  # asyncua's, when a fault answers the request to open
            closed = ConnectionError("the secure channel was refused")
            raise refused(self._who, self._url, closed, self._own) from error
        except TRANSPORT_ERRORS as error:
            raise refused(self._who, self._url, error, self._own) from error

    async def _log_in(self, client: Client) -> None:
        if self._context.credentials is not None:
            policy = client.server_policy(ua.UserTokenType.UserName)
            clear = not policy.SecurityPolicyUri or policy.SecurityPolicyUri.endswith("#None")
            if clear and not self._options.encrypted:
                raise Untrusted(
                    f"{self._who}: the password would go to {self._url} in the clear; "
                    "use mode SignAndEncrypt, or leave the credentials out"
                )
        try:
            async with asyncio.timeout(self._options.timeout_s):
                await self._activate(client)
        except TRANSPORT_ERRORS as error:
            raise refused(self._who, self._url, error, "") from error

    async def _activate(self, client: Client) -> None:
        login = self._context.credentials
        await client.activate_session(
            username=login.user if login else None, password=login.password if login else None
        )

    async def _renew(self, client: Client) -> None:
        while True:
            await asyncio.sleep(client.secure_channel_timeout / 1000 * _RENEW_AT)
            try:
                await client.open_secure_channel(renew=True)
                client.uaclient.revolve_security_token()
            except (AssertionError, *TRANSPORT_ERRORS):  # as in _open_channel
                client.disconnect_socket()  # noticed by who waits for this link; it reconnects
                return

    def _cut(self, client: Client) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        protocol = client.uaclient.protocol
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()
        if client.uaclient.has_transport:
            client.disconnect_socket()

    @property
    def _url(self) -> str:
        return self._context.connection.url
