"""The stack as a list of facts: which programs there are and what each is given."""

from dataclasses import dataclass, replace
from importlib.util import find_spec


@dataclass(frozen=True)
class Program:
    """One of our own programs."""

    name: str
    """As in subjects, roles, certificates and settings."""
    package: str
    arguments: tuple[str, ...] = ("run",)
    database: bool = True
    """Has a database, two roles and migrations."""
    grpc: bool = True
    """Answers gRPC; every program answers HTTP (health and metrics)."""

    def installed(self) -> bool:
        """Whether its package can be run here."""
        try:
            return find_spec(f"{self.package}.__main__") is not None
        except ModuleNotFoundError:
            return False


@dataclass(frozen=True)
class Topology:
    """What a stack consists of."""

    programs: tuple[Program, ...]
    traces: Program = Program("traces", "tiaochu_embedded.traces", arguments=(), database=False)
    """Collects and shows spans; no peer of the others."""
    clients: tuple[str, ...] = ("cli",)
    """Callers from outside the stack that get a client certificate."""
    audience: str = "tiaochu"
    token_hours: int = 8
    preload: tuple[str, ...] = (
        "tiaochu_kit.runner",
        "tiaochu_kit.migrations",
        "fastapi",
        "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
        "opentelemetry.sdk.trace.export",
    )
    """What every program imports anyway: loaded once and shared by all of them."""

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the programs that have a database."""
        return tuple(program.name for program in self.programs if program.database)

    def named(self, names: "tuple[str, ...] | None") -> "Topology":
        """The same with fewer programs: those named, or those installed here when `None`."""
        chosen = tuple(p for p in self.programs if (p.installed() if names is None else p.name in names))
        unknown = set(names or ()) - {p.name for p in self.programs}
        if unknown:
            raise ValueError(f"no such program: {', '.join(sorted(unknown))}")
        return replace(self, programs=chosen)


DEFAULT = Topology(
    programs=(
        Program("intake", "tiaochu_intake"),
        Program("routing", "tiaochu_routing"),
        Program("mediation", "tiaochu_mediation"),
        Program("docking", "tiaochu_docking"),
        Program("reporting", "tiaochu_reporting"),
        Program("sandbox", "tiaochu_sandbox", arguments=(), database=False, grpc=False),
    )
)
