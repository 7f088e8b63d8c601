"""What every answer says to browsers, and one line of access log for each."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genba.operate.api.auditing import address_of

logger = logging.getLogger("genba.access")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No answer is a page: none may be framed, guessed at, or loaded by another site."""
HSTS = "max-age=31536000"


class Headers:
    """ASGI middleware: headers for browsers, and the access log (logger ``genba.access``)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = HSTS
                _log(scope, int(message["status"]), time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, answering)


def _log(scope: Scope, status: int, took_s: float) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    caller = scope.get("state", {}).get("caller")
    facts = {
        "address": address_of(scope),
        "actor": caller.name if caller else "",
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round(took_s * 1000, 1),
    }
    logger.info(" ".join(f"{name}={value}" for name, value in facts.items()), extra=facts)
