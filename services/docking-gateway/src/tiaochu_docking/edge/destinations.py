"""Where packets may be pushed to: a list of hosts, each name resolved once per attempt, and never to an address no agency has (SSRF)."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """An address fixed for one attempt: the URL with the resolved address in place of the name, and the name for Host and TLS."""

    url: str
    host: str
    name: str


class NotAllowed(Exception):
    """The address is not on the list, or resolves to one that cannot be an agency's."""


class AllowList:
    """`entries` as in `DockingSettings.push_to`; `loopback` lets the embedded stack reach its sandbox."""

    def __init__(self, entries: Sequence[str], *, loopback: bool) -> None:
        self._entries = [entry.lower() for entry in entries]
        self._loopback = loopback

    def allowed(self, url: str) -> bool:
        """Whether the URL's scheme, host and port are on the list. No user, no fragment."""
        parts = urlsplit(url.lower())
        try:
            port = parts.port
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.fragment:
            return False
        if self._loopback and _loopback(parts.hostname):
            return True
        usual = port is None or port == (443 if parts.scheme == "https" else 80)
        suffix = "" if usual else f":{port}"
        names = {parts.hostname + suffix} | ({f"{parts.hostname}:{port}"} if port else set())
        if "." in parts.hostname:
            names.add("*." + parts.hostname.split(".", 1)[1] + suffix)
        wanted = names if parts.scheme == "https" else {f"http://{name}" for name in names}
        return any(entry in wanted for entry in self._entries)

    async def resolve(self, url: str) -> Target:
        """The one address for this attempt. Raises `NotAllowed`, `OSError` when the name is unknown."""
        if not self.allowed(url):
            raise NotAllowed(url)
        parts = urlsplit(url)
        name = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
        address = ipaddress.ip_address(found[0][4][0])
        if not self._may_be_an_agency(address):
            raise NotAllowed(url)
        literal = f"[{address}]" if address.version == 6 else str(address)
        fixed = parts._replace(netloc=f"{literal}:{port}").geturl()
        return Target(fixed, parts.netloc, name)

    def _may_be_an_agency(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        # Link-local holds the metadata services of clouds; private networks are where courts are.
        if address.is_loopback:
            return self._loopback
        return not (address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
