"""Where a cell answers and how a caller proves who calls: from the run folder of an embedded stack, or from addresses and files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tiaochu_domainkit.errors import DomainError, Kind
from tiaochu_kit.clock import Clock

if TYPE_CHECKING:
    from tiaochu_embedded.client import RunningStack

CLIENT = "cli"
"""The name in our client certificate."""


@dataclass(frozen=True)
class Certificates:
    """Files for mutual TLS (PEM)."""

    ca_file: Path
    cert_file: Path
    key_file: Path


@dataclass(frozen=True)
class Cell:
    """`addresses` by service; `token` answers the bearer token of a person, empty for none; `clock` is the cell's, which a stack may have stepped."""

    addresses: Mapping[str, str]
    certificates: Certificates | None
    token: Callable[[str], str]
    clock: Clock

    def address(self, service: str) -> str:
        """Raises `UNAVAILABLE` for a service whose address is not known."""
        try:
            return self.addresses[service]
        except KeyError:
            raise unreachable("NO_ADDRESS", f"no address of service {service!r} is known", f"不知道服务 {service} 的地址") from None


def unreachable(reason: str, en: str, zh: str) -> DomainError:
    """What is needed does not answer or does not run."""
    return DomainError(Kind.UNAVAILABLE, reason, en, zh)


def cell_of_stack(folder: Path) -> Cell:
    """The embedded stack that runs in `folder`. Raises `UNAVAILABLE` when none does."""
    stack = running_stack(folder)
    own = stack.addresses["tls"]["clients"][CLIENT]
    files = Certificates(Path(stack.addresses["tls"]["ca_file"]), Path(own["cert_file"]), Path(own["key_file"]))

    def token(person: str) -> str:
        try:
            return str(stack.token(person))
        except Exception as problem:
            raise _told(problem) from problem

    return Cell(stack.addresses["grpc"], files, token, Clock(Path(stack.addresses["clock_file"])))


def running_stack(folder: Path) -> "RunningStack":
    """The embedded stack's own client: its clock, its issuer, its files."""
    try:
        from tiaochu_embedded.client import RunningStack  # noqa: PLC0415 - an operator of a production cell has no embedded stack
    except ModuleNotFoundError:
        raise unreachable(
            "NO_STACK", "the embedded stack is not installed here: give --address", "未安装内嵌环境:请使用 --address"
        ) from None
    try:
        return RunningStack(folder)
    except Exception as problem:
        raise _told(problem) from problem


def cell_of_addresses(addresses: Sequence[str], tls: Path | None, token_file: Path | None) -> Cell:
    """A cell by `service=host:port` texts; `tls` is a folder with `ca.crt`, `tls.crt` and `tls.key` as Kubernetes keeps them.

    Without `tls` the channel is plain, which only services of a test accept.
    """
    pairs = [text.partition("=") for text in addresses]
    files = Certificates(tls / "ca.crt", tls / "tls.crt", tls / "tls.key") if tls else None

    def token(_person: str) -> str:
        return token_file.read_text().strip() if token_file else ""

    return Cell({service: address for service, _, address in pairs}, files, token, Clock())


def _told(problem: Exception) -> DomainError:
    """A `Problem` of the stack has a sentence in each language; anything else is told as it is."""
    return unreachable("NO_STACK", str(getattr(problem, "en", problem)), str(getattr(problem, "zh", "内嵌环境没有响应")))
