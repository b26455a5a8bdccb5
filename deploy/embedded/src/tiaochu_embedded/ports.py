"""TCP ports on the loopback interface: free ones, and the ones an earlier start chose."""

import json
import random
import socket
from pathlib import Path

HOST = "127.0.0.1"


# Below the range from which the system takes the near ends of connections, so that a server that is down for a moment
# finds its port free again.
_RANGE = range(15_000, 32_000)
_random = random.SystemRandom()


def free_port() -> int:
    """A port nobody listens on now."""
    while not is_free(port := _random.choice(_RANGE)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether a listener could take `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether somebody accepts connections on `port` now."""
    try:
        socket.create_connection((HOST, port), 1.0).close()
    except OSError:
        return False
    return True


class KeptPorts:
    """Ports by name, kept in a file so that addresses survive a restart; one that is taken meanwhile is replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._ports: dict[str, int] = json.loads(file.read_text())
        except (FileNotFoundError, ValueError):
            self._ports = {}

    def of(self, name: str) -> int:
        """The port of `name`: its earlier one when still free, else a new one."""
        known = self._ports.get(name)
        if known is not None and is_free(known):
            return known
        port = free_port()
        while port in self._ports.values():
            port = free_port()
        self._ports[name] = port
        self._file.write_text(json.dumps(self._ports, indent=1, sort_keys=True))
        return port
