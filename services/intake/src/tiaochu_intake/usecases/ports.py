"""What use cases need to know before a transaction begins; the store answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.errors import DomainError, Kind, invalid
from tiaochu_intake.domain.policies import Policy, PolicyBook
from tiaochu_kit.principal import Principal
from tiaochu_kit.usecase import Context


@dataclass(frozen=True)
class Organ:
    """An organ as the directory's log placed it."""

    organ_id: str
    district: str
    organ_path: str
    region_code: str


class Organs(Protocol):
    """The directory of organs, as far as this service heard."""

    async def get(self, organ_id: str) -> Organ | None:
        """The organ, or nothing."""

    async def named(self, ctx: Context, district: str) -> Mapping[str, Organ]:
        """Organs of a district by name and short name; asked of routing."""


@dataclass(frozen=True)
class Upload:
    """A stored file."""

    file_id: str
    district: str
    case_id: str
    name: str
    media_type: str
    size: int
    sha256: str


class Uploads(Protocol):
    """Files that were uploaded."""

    async def find(self, file_id: str) -> Upload | None:
        """The upload, whether it was attached or not: a command that is replayed must find it again."""

    async def keep(self, upload: Upload, by: str, at: datetime) -> None:
        """Note an upload."""


class Policies(Protocol):
    """The districts' own values."""

    async def snapshot(self) -> "PolicySnapshot":
        """Every district's book, at most a few seconds old."""


@dataclass(frozen=True)
class PolicySnapshot:
    """The districts' books at a moment."""

    books: Mapping[str, PolicyBook]

    def on(self, district: str, at: datetime) -> Policy:
        """The values a district has at a moment."""
        book = self.books.get(district) or PolicyBook(id="", district=district, status="active")
        return book.on(beijing(at).date())


async def receiving_organ(organs: Organs, principal: Principal, organ_id: str, path: str = "first_receiver_organ_id") -> tuple[str, str]:
    """Id and place of the organ that receives: the caller's own, or a named one at or below it.

    Reasons: ORGAN_REQUIRED, ORGAN_UNKNOWN, ORGAN_DENIED.
    """
    if not organ_id or organ_id == principal.organ_id:
        if not principal.organ_id:
            raise invalid(path, "ORGAN_REQUIRED", "须指明首先接收的单位")
        return principal.organ_id, principal.organ_path
    organ = await organs.get(organ_id)
    if organ is None:
        raise invalid(path, "ORGAN_UNKNOWN", "组织目录中没有这一单位")
    if not principal.is_service and not organ.organ_path.startswith(principal.organ_path):
        raise DomainError(
            Kind.PERMISSION_DENIED,
            "ORGAN_DENIED",
            "the organ is not the caller's nor below it",
            "只能为本单位或下级单位登记",
            {"organ": organ_id},
        )
    return organ.organ_id, organ.organ_path
