"""Takes the port of the API, before anything else is begun."""

import errno
import ipaddress
import socket

from genba.errors import GenbaError


def listen(host: str, port: int) -> socket.socket:
    """Take a port; ``port`` 0 takes a free one. Nothing is answered yet.

    Raises
    ------
    GenbaError
        If the port is taken or the address is not one of this computer's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
        server.listen(128)
    except OSError as error:
        server.close()
        what = error.strerror or str(error)
        mend = "give one of this computer's addresses with --host"
        if not isinstance(error, socket.gaierror) and error.errno not in _NO_SUCH_ADDRESS:
            mend = "stop what uses that port or choose another with --port"
        raise GenbaError(f"the API cannot listen on {host}:{port}: {what}; {mend}") from None
    return server


_NO_SUCH_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this computer alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
