"""What went wrong with a device, in words that name it and the mend."""

import asyncio

from asyncua import ua
from asyncua.crypto.uacrypto import InvalidSignature
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from genba.errors import ConnectionLost, DeviceError, Untrusted

TRANSPORT_ERRORS = (OSError, asyncio.TimeoutError, UaError, InvalidSignature, ConnectionError)
"""What asyncua raises when a device or the link to it does not do what was asked."""

_NOT_TRUSTING_US = {
    ua.StatusCodes.BadSecurityChecksFailed,
    ua.StatusCodes.BadCertificateUntrusted,
    ua.StatusCodes.BadCertificateInvalid,
    ua.StatusCodes.BadCertificateUseNotAllowed,
    ua.StatusCodes.BadCertificateUriInvalid,
    ua.StatusCodes.BadCertificateTimeInvalid,
}
_LOGIN = {
    ua.StatusCodes.BadUserAccessDenied,
    ua.StatusCodes.BadIdentityTokenInvalid,
    ua.StatusCodes.BadIdentityTokenRejected,
}
LINK_IS_GONE = {
    ua.StatusCodes.BadSessionIdInvalid,
    ua.StatusCodes.BadSessionClosed,
    ua.StatusCodes.BadSessionNotActivated,
    ua.StatusCodes.BadSecureChannelClosed,
    ua.StatusCodes.BadSecureChannelIdInvalid,
    ua.StatusCodes.BadConnectionClosed,
    ua.StatusCodes.BadServerHalted,
    ua.StatusCodes.BadShutdown,
}


def status_text(code: int) -> str:
    """Name a status code as the specification does."""
    return str(ua.StatusCode(ua.UInt32(code)).name)


def unreachable(who: str, url: str, error: BaseException) -> DeviceError:
    """Say why nobody could be talked to at all."""
    if isinstance(error, asyncio.TimeoutError):
        return ConnectionLost(
            f"{who}: no answer from {url} in time; is the device on and reachable from here? "
            "(option timeout_s waits longer)"
        )
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or type(error).__name__
        return ConnectionLost(
            f"{who}: nobody answers at {url} ({reason.lower()}); "
            "check that the device is on, its address and the network"
        )
    return refused(who, url, error, "")


def refused(who: str, url: str, error: BaseException, own_certificate: str) -> DeviceError:
    """Say why a device that was reached did not let us in."""
    code = int(error.code) if isinstance(error, UaStatusCodeError) else 0
    give = f"let it trust {own_certificate}" if own_certificate else "see the device's own log"
    if code in _NOT_TRUSTING_US:
        return Untrusted(
            f"{who}: {url} does not trust this plant's certificate ({status_text(code)}); {give}"
        )
    if code in _LOGIN:
        return Untrusted(
            f"{who}: {url} did not accept the login ({status_text(code)}); "
            "name the right credentials on the connection"
        )
    if isinstance(error, InvalidSignature):
        return Untrusted(
            f"{who}: {url} could not prove that the trusted certificate is its own; "
            "somebody may stand in between"
        )
    if isinstance(error, asyncio.TimeoutError | ConnectionError) and own_certificate:
        return Untrusted(
            f"{who}: {url} ended the link while the secure channel was opened; it probably does "
            f"not trust this plant's certificate: {give}"
        )
    if code:
        return DeviceError(
            f"{who}: {url} refused the session ({status_text(code)}); see the device's own log"
        )
    text = str(error) or type(error).__name__
    return ConnectionLost(
        f"{who}: the link to {url} failed: {text}; check that an OPC UA server listens there"
    )
