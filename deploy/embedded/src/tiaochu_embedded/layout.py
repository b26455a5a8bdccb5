"""Where a stack keeps what: the run folder, and the environment each program is given."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tiaochu_embedded.certificates import Authority, log_signing_key
from tiaochu_embedded.clock import StackClock
from tiaochu_embedded.issuer import Issuer
from tiaochu_embedded.nats import Nats
from tiaochu_embedded.ports import HOST, KeptPorts
from tiaochu_embedded.postgres import Postgres
from tiaochu_embedded.problem import from_os_error, require_space
from tiaochu_embedded.topology import Program, Topology
from tiaochu_embedded.vault import Vault

FIRST_ADMIN = "operator"
"""The person who may import the directory into an empty stack."""


_LOG_BYTES = 32 * 1024 * 1024
"""A log beyond that is put aside at the next start, replacing the one put aside before."""


class RunFolder:
    """The folder of one stack. Everything in it can be deleted while the stack is stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.state = self.path / "stack.json"
        self.lock = self.path / "lock"
        self.logs = self.path / "logs"
        self.clock = self.path / "clock"

    def prepare(self) -> None:
        """Make it, or raise a `Problem` that says why it cannot be used."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o755)  # the database's user passes through it; the secrets are closed apart
            probe = self.path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise from_os_error(error, str(self.path)) from error
        require_space(self.path)
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > _LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


class Parts:
    """The servers of a stack and their addresses, made from a run folder and a topology."""

    def __init__(self, folder: RunFolder, topology: Topology, *, extra: Mapping[str, str]) -> None:
        self.folder, self.topology, self._extra = folder, topology, extra
        self.vault = Vault(folder.path / "secrets")
        ports = KeptPorts(folder.path / "ports.json")
        self.clock = StackClock(folder.clock)
        self.postgres = Postgres(folder.path / "postgres", self.vault, ports.of("postgres"), folder.log("postgres"))
        self.nats = Nats(folder.path / "nats", self.vault, ports.of("nats"), folder.log("nats"), topology.services)
        self.issuer = Issuer(self.vault, ports.of("issuer"), self.clock, audience=topology.audience, hours=topology.token_hours)
        self.authority = Authority(self.vault)
        self.grpc = {program.name: f"{HOST}:{ports.of(f'{program.name}/grpc')}" for program in topology.programs if program.grpc}
        self.http = {program.name: f"{HOST}:{ports.of(f'{program.name}/http')}" for program in topology.programs}
        self.collector, self.viewer = (f"{HOST}:{ports.of(f'traces/{kind}')}" for kind in ("grpc", "http"))

    def http_address(self, program: Program) -> str:
        """Where a program answers HTTP."""
        return self.viewer if program is self.topology.traces else self.http[program.name]

    def environment(self, program: Program) -> dict[str, str]:
        """Everything `program` learns about the world."""
        if program is self.topology.traces:
            traces = {"TIAOCHU_GRPC_LISTEN": self.collector, "TIAOCHU_HTTP_LISTEN": self.viewer}
            return {**_inherited(), **traces, "TIAOCHU_TRACES_FILE": str(self.folder.path / "traces.db")}
        certificate, key = self.authority.issue(program.name)
        given = {
            "TIAOCHU_SERVICE": program.name,
            "TIAOCHU_ENVIRONMENT": "embedded",
            "TIAOCHU_HTTP_LISTEN": self.http[program.name],
            "TIAOCHU_HTTP_PEERS": json.dumps({name: f"http://{address}" for name, address in self.http.items() if name != program.name}),
            "TIAOCHU_PEERS": json.dumps({name: address for name, address in self.grpc.items() if name != program.name}),
            "TIAOCHU_TLS_CERT_FILE": str(certificate),
            "TIAOCHU_TLS_KEY_FILE": str(key),
            "TIAOCHU_TLS_CA_FILE": str(self.authority.file),
            "TIAOCHU_OIDC_ISSUER": self.issuer.url,
            "TIAOCHU_OIDC_JWKS_URL": self.issuer.jwks_url,
            "TIAOCHU_OIDC_AUDIENCE": self.topology.audience,
            "TIAOCHU_FIRST_ADMIN": FIRST_ADMIN,
            "TIAOCHU_OTLP_ENDPOINT": f"http://{self.collector}",
            "TIAOCHU_CLOCK_FILE": str(self.clock.file),
        }
        if program.grpc:
            given["TIAOCHU_GRPC_LISTEN"] = self.grpc[program.name]
        if program.database:
            given |= self._stores(program)
        return {**_inherited(), **given, **self._extra}

    def _stores(self, program: Program) -> dict[str, str]:
        database = self.postgres.database(program.name)
        blobs = self.folder.path / "blobs" / program.name
        blobs.mkdir(parents=True, exist_ok=True)
        return {
            "TIAOCHU_DATABASE_URL": database.url,
            "TIAOCHU_DATABASE_POOL": "4",  # a connection costs the server some 5 MB, and there are two cores
            "TIAOCHU_DATABASE_PASSWORD_FILE": str(database.password_file),
            "TIAOCHU_DATABASE_OWNER_URL": database.owner_url,
            "TIAOCHU_DATABASE_OWNER_PASSWORD_FILE": str(database.owner_password_file),
            "TIAOCHU_NATS_URL": self.nats.url,
            "TIAOCHU_NATS_USER": program.name,
            "TIAOCHU_NATS_PASSWORD_FILE": str(self.nats.password_file(program.name)),
            "TIAOCHU_BLOB_URL": blobs.as_uri(),
            "TIAOCHU_KEYS_DIR": str(self._keys(program.name)),
            "TIAOCHU_LOG_SIGNING_KEY_FILE": str(log_signing_key(self.vault, program.name)),
        }

    def _keys(self, service: str) -> Path:
        """The folder of a service's data keys, as `tiaochu_domainkit.sealing.load_keyring` reads it."""
        for name in ("data-1.key", "index.key"):
            self.vault.keep(f"keys/{service}/{name}", lambda: secrets.token_hex(32).encode())
        self.vault.keep(f"keys/{service}/current", lambda: b"data-1")
        return self.vault.path(f"keys/{service}")

    def addresses(self) -> dict[str, object]:
        """What a person or a program outside the stack needs to reach it. No secrets; the files that hold them."""
        clients = {name: self.authority.issue(name) for name in self.topology.clients}
        return {
            "grpc": self.grpc,
            "http": {name: f"http://{address}" for name, address in self.http.items()},
            "postgres": f"{HOST}:{self.postgres.port}",
            "nats": self.nats.url,
            "traces": f"http://{self.viewer}",
            "issuer": self.issuer.url,
            "issuer_secret_file": str(self.issuer.secret_file),
            "tls": {
                "ca_file": str(self.authority.file),
                "clients": {name: {"cert_file": str(cert), "key_file": str(key)} for name, (cert, key) in clients.items()},
            },
            "databases": {
                program.name: {
                    "url": self.postgres.database(program.name).url,
                    "password_file": str(self.postgres.database(program.name).password_file),
                }
                for program in self.topology.programs
                if program.database
            },
            "clock_file": str(self.clock.file),
            "logs": str(self.folder.logs),
        }


def _inherited() -> dict[str, str]:
    """What programs take from our own environment: paths and locale, never settings of another stack."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TIAOCHU_")}
