"""A site's way to the hub: it asks for questions over HTTPS, and sends answers. Nobody calls in."""

import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from genba import __version__
from genba.errors import LearnError
from genba.learn.federated.hub import NUMBER, POLL_S
from genba.learn.federated.identity import Identity
from genba.learn.federated.message import MOST_BYTES, Message
from genba.learn.federated.plan import FORMAT, Plan, plan_of
from genba.learn.federated.site import Site
from genba.learn.registry.history import What

_TIMEOUT = httpx.Timeout(30.0, read=30.0 + POLL_S)
_AGAIN_S = 0.5
_OVER, _NOT_MET, _FAILED = 205, 428, 410


class Line:
    """The connection to one hub.

    Parameters
    ----------
    url : str
        ``https://host:port``; the host must be one that the hub's certificate names.
    """

    def __init__(self, url: str, identity: Identity) -> None:
        if urlsplit(url).scheme != "https":
            raise LearnError(f"'{url}' is no address of a hub; write it like https://hub:8443")
        self._url, self._met = url, False
        self._client = httpx.Client(
            base_url=url, verify=identity.context(server=False), timeout=_TIMEOUT, trust_env=False
        )

    def close(self) -> None:
        """End it."""
        self._client.close()

    def plan(self) -> Plan:
        """Return the hub's plan.

        Raises
        ------
        LearnError
            If the hub cannot be reached, refuses, or is not who it should be.
        """
        told = self._sent("GET", "/v1/plan").json()
        plan = plan_of(told.get("plan"), f"the plan of {self._url}")
        if plan.digest() != told.get("digest"):
            raise LearnError(
                f"the hub at {self._url} (Genba {told.get('code')}) reads its plan in another way "
                f"than this Genba ({__version__}); use one Genba everywhere"
            )
        return plan

    def hello(self, plan: Plan, commitment: str) -> None:
        """Tell that this site is there."""
        told = {"plan": plan.digest(), "format": FORMAT, "data": commitment, "code": __version__}
        self._sent("POST", "/v1/hello", json=told)

    def following(self, after: int) -> tuple[int, int, bytes]:
        """Look for a question: status, number, content."""
        answer = self._sent("GET", "/v1/next", params={"after": after}, fine=(_OVER, _NOT_MET))
        number = answer.headers.get(NUMBER, "0")
        if len(answer.content) > MOST_BYTES or not number.isdecimal():
            raise LearnError("the hub's question is too long or has no number; it is refused")
        return answer.status_code, int(number), answer.content

    def answer(self, number: int, content: bytes) -> None:
        """Send an answer; that it came too late is no failure."""
        self._sent("POST", f"/v1/answer/{number}", content=content, fine=(409,))

    def trouble(self, number: int, why: str) -> None:
        """Tell that there will be no answer, and why."""
        self._sent("POST", f"/v1/trouble/{number}", json={"why": why}, fine=(409,))

    def result(self) -> Message:
        """Return the candidate's files."""
        return Message.unpack(self._sent("GET", "/v1/result").content)

    def _sent(
        self, method: str, path: str, *, fine: tuple[int, ...] = (), **more: Any
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise self._unreached(error) from None
        self._met = True
        if answer.is_success or answer.status_code in fine:
            return answer
        try:
            why = str(answer.json()["detail"])
        except (ValueError, KeyError, TypeError):
            why = f"it answered {answer.status_code}"
        raise LearnError(f"the hub at {self._url} refuses: {why}")

    def _unreached(self, error: httpx.TransportError) -> LearnError:
        """Tell for good what will not mend itself; else :class:`Away`."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return LearnError(
                f"the certificate of {self._url} is not believed: {cause.verify_message}; call the "
                "hub by a name in its certificate, and use the federation's authority"
            )
        cut_off = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
        if cut_off and not self._met:  # with TLS 1.3 it comes after the connection was made
            return LearnError(
                f"the hub at {self._url} does not believe this site's certificate: it is of "
                "another authority, ran out, or is no site's; sign a new one"
            )
        return Away(f"the hub at {self._url} cannot be reached: {error or type(error).__name__}")


class Away(LearnError):
    """The hub cannot be reached now; it may be back."""


def plan_of_hub(line: Line, patience_s: float) -> Plan:
    """Return the hub's plan; a hub that is not there yet is waited for, wall seconds.

    Raises
    ------
    LearnError
        As with :meth:`Line.plan`.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            return line.plan()
        except Away:
            if time.monotonic() > end:
                raise
            time.sleep(_AGAIN_S)


def take_part(
    line: Line,
    site: Site,
    commitment: str,
    *,
    patience_s: float = 3600.0,
    told: Callable[[str], None] = lambda text: None,
) -> Message:
    """Answer until the hub has a candidate, and return its files.

    A hub that is away is waited for, also through a restart.

    Parameters
    ----------
    patience_s : float
        How long a hub may be away, wall seconds.
    told : callable
        Hears what happens, for people.

    Raises
    ------
    LearnError
        If the hub refuses, gives up, or stays away.
    """
    met, gone_since = False, 0.0
    while True:
        try:
            if not met:
                line.hello(site.plan, commitment)
                site.note(What.JOINED, commitment=commitment)
                met = True
            status, number, content = line.following(site.last)
            if status == _OVER:
                return line.result()
            if status == _NOT_MET:
                met = False
            elif number:
                _answered(line, site, number, content, told)
            gone_since = 0.0
        except Away as error:
            now = time.monotonic()
            gone_since = gone_since or now
            if now - gone_since > patience_s:
                raise
            if now - gone_since < _AGAIN_S:
                told(str(error))
            time.sleep(_AGAIN_S)


def _answered(
    line: Line, site: Site, number: int, content: bytes, told: Callable[[str], None]
) -> None:
    try:
        answer = site.handle(number, content)
    except LearnError as error:
        told(str(error))
        line.trouble(number, str(error))
        return
    line.answer(number, answer)
