"""The stack's servers as single containers, for trying the Helm chart out: `python -m tiaochu_embedded.evaluation postgresql|nats|issuer`.

Secrets come from files, as the chart mounts them: `/etc/tiaochu/secrets/<service>/{password,owner-password,nats-password}` and
`/etc/tiaochu/secrets/issuer/client-secret`; data lie in `/var/lib/tiaochu`. Each answers on every address of its pod.
"""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tiaochu_embedded.clock import StackClock
from tiaochu_embedded.issuer import CLIENT_SECRET, Issuer
from tiaochu_embedded.nats import Nats
from tiaochu_embedded.postgres import Postgres
from tiaochu_embedded.topology import DEFAULT
from tiaochu_embedded.vault import Vault

ANYWHERE = "0.0.0.0"  # noqa: S104 - a pod's own addresses; the chart's network policies say who comes
SECRETS, DATA = Path("/etc/tiaochu/secrets"), Path("/var/lib/tiaochu")
SERVICES = DEFAULT.services
PORTS = {"postgresql": 5432, "nats": 4222, "issuer": 8080}


class _Server(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


def server(kind: str, secrets: Path, data: Path, port: int) -> _Server:
    """The server `kind` on `port`, with the passwords in `secrets` and its data in `data`."""
    log = data / f"{kind}.log"
    match kind:
        case "postgresql":
            vault = Vault(data / "secrets")  # the superuser's password stays beside what it opens
            for service in SERVICES:
                vault.write(f"postgres/{service}", (secrets / service / "password").read_bytes())
                vault.write(f"postgres/{service}_owner", (secrets / service / "owner-password").read_bytes())
            return _Provisioned(data / "postgres", vault, port, log, listen=ANYWHERE)
        case "nats":
            vault = _fleeting()
            for service in SERVICES:
                vault.write(f"nats/{service}", (secrets / service / "nats-password").read_bytes())
            return Nats(data / "nats", vault, port, log, SERVICES, listen=ANYWHERE)
        case "issuer":
            vault = _fleeting()
            vault.write(CLIENT_SECRET, (secrets / "issuer" / "client-secret").read_bytes())
            clock = StackClock(vault.path("clock"))
            url = os.environ["TIAOCHU_OIDC_ISSUER"]
            return Issuer(vault, port, clock, audience=DEFAULT.audience, hours=DEFAULT.token_hours, listen=ANYWHERE, url=url)
    raise ValueError(f"postgresql, nats or issuer, not {kind}")


class _Provisioned(Postgres):
    """With every service's database and roles, their passwords as the secrets say now."""

    def start(self) -> None:
        super().start()
        self.provision(SERVICES)


def _fleeting() -> Vault:
    return Vault(Path(tempfile.mkdtemp()))


def main(arguments: Sequence[str]) -> None:
    """Run one server until SIGTERM."""
    [kind] = arguments
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    running = server(kind, SECRETS, DATA, PORTS[kind])
    running.start()
    ended.wait()
    running.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
