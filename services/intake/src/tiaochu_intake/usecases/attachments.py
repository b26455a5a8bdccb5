"""Uploaded files on their way into a case."""

import hashlib
import secrets
from dataclasses import dataclass

from tiaochu_domainkit.errors import DomainError, invalid
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.files import OPEN, FileFacts
from tiaochu_intake.usecases.ports import Upload, Uploads
from tiaochu_kit.ids import is_uuid
from tiaochu_kit.usecase import Work


@dataclass(frozen=True)
class Attachment:
    """A file with what it is in this case. The salt stays beside the file: erasing it leaves the journal's hash without meaning."""

    upload: Upload
    facts: FileFacts
    salt: str

    def attach(self, work: Work, case: Case) -> None:
        """Make the file a part of the case."""
        case.attach_file(self.facts, work.now)
        upload = self.upload
        work.insert(
            "case_files",
            {
                "file_id": upload.file_id,
                "case_id": case.id,
                "district": case.district,
                "name": upload.name,
                "media_type": upload.media_type,
                "size": upload.size,
                "sha256": upload.sha256,
                "salt": self.salt,
                "kind": self.facts.kind,
                "confidentiality": self.facts.confidentiality,
                "party_id": self.facts.party_id,
                "attached_by": work.actor.id,
                "attached_at": work.now,
            },
        )


@dataclass(frozen=True)
class Missing:
    """A file that is not there. Said when it would be attached and not before: whoever does not see the case learns nothing of its files."""

    path: str

    def attach(self, _work: Work, _case: Case) -> None:
        """Raises FILE_UNKNOWN."""
        raise self.refusal()

    def refusal(self) -> DomainError:
        """FILE_UNKNOWN: not uploaded, or for another case."""
        return invalid(self.path, "FILE_UNKNOWN", "文件不存在或不属于本案")


Attachable = Attachment | Missing


class Attachments:
    """Looks uploads up before the transaction that attaches them."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def of_case(self, case_id: str, file_ids: list[str]) -> tuple[Attachable, ...]:
        """Files that come as supplied papers: evidence that both sides may read."""
        return tuple([await self.one(case_id, f, "evidence", OPEN, "", f"file_ids[{n}]") for n, f in enumerate(file_ids)])

    async def of_new_case(self, case_id: str, file_ids: list[str]) -> tuple[Attachment, ...]:
        """Files that come with a registration: nobody's case yet, so what is missing is said at once. Reason: FILE_UNKNOWN."""
        found = await self.of_case(case_id, file_ids)
        for missing in (f for f in found if isinstance(f, Missing)):
            raise missing.refusal()
        return tuple(f for f in found if isinstance(f, Attachment))

    async def one(self, case_id: str, file_id: str, kind: str, confidentiality: str, party_id: str, path: str) -> Attachable:
        """One uploaded file for this case."""
        upload = await self._uploads.find(file_id) if is_uuid(file_id) else None
        if upload is None or upload.case_id != case_id:
            return Missing(path)
        salt = secrets.token_hex(16)
        salted = hashlib.sha256(bytes.fromhex(salt) + bytes.fromhex(upload.sha256)).hexdigest()
        return Attachment(upload, FileFacts(file_id, kind, confidentiality, party_id, upload.size, salted), salt)
