"""A case as its readers see it: numbers masked, minors hidden from lists, whole only with a permission."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from tiaochu.intake.v1 import case_pb2 as pb
from tiaochu_domainkit import masking
from tiaochu_domainkit.sealing import Sealed
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.consent import Persistence
from tiaochu_intake.domain.files import OPEN
from tiaochu_intake.domain.parties import ORGANISATION, Party, Representative
from tiaochu_intake.store.loading import CaseFolder
from tiaochu_intake.usecases.particulars import Sealer

Opens = Callable[[str], bool]
"""Whether the numbers of a party (by its id) are shown whole."""


def masked(_party_id: str) -> bool:
    """Nothing is shown whole."""
    return False


def stamp(message: Message, name: str, at: datetime | None) -> None:
    """Set a timestamp field."""
    if at is not None:
        getattr(message, name).FromDatetime(at)


class Showing:
    """Turns stored cases into what is answered."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def party(self, case: Case, party: Party, opens: Opens, consent: str = "") -> pb.Party:
        """One party."""
        whole = opens(party.id)
        return pb.Party(
            party_id=party.id,
            side=case.side(party.id),
            kind=party.kind,
            name=party.name,
            id_type=party.id_type,
            id_number=self._number(case.id, party.id, party.id_number, whole=whole),
            identity_note=party.identity_note,
            sex=party.sex,
            born_on=party.born_on.isoformat() if party.born_on and whole else "",
            ethnicity=party.ethnicity,
            occupation=party.occupation,
            phone=self._phone(case.id, party.id, party.phone, whole=whole),
            region_code=party.region_code,
            address=party.address if whole or party.kind == ORGANISATION or not party.address else masking.address(party.address),
            electronic_address=party.electronic_address if whole else "",
            care=party.care,
            representatives=[self._representative(case.id, r, whole=whole) for r in party.representatives],
            consent=consent,
            withdrawn=party.withdrawn,
        )

    def _representative(self, case_id: str, r: Representative, *, whole: bool) -> pb.Representative:
        return pb.Representative(
            representative_id=r.id,
            kind=r.kind,
            name=r.name,
            id_type=r.id_type,
            id_number=self._number(case_id, r.id, r.id_number, whole=whole),
            phone=self._phone(case_id, r.id, r.phone, whole=whole),
            relation=r.relation,
            authority=r.authority,
            power_of_attorney_file_id=r.power_of_attorney_file_id,
        )

    def _number(self, case_id: str, person_id: str, sealed: Sealed | None, *, whole: bool) -> str:
        if sealed is None:
            return ""
        return self._sealer.open_number(case_id, person_id, sealed) if whole else sealed.masked

    def _phone(self, case_id: str, person_id: str, sealed: Sealed | None, *, whole: bool) -> str:
        if sealed is None:
            return ""
        return self._sealer.open_phone(case_id, person_id, sealed) if whole else sealed.masked

    def claims(self, folder: CaseFolder) -> list[pb.Claim]:
        """What is asked."""
        return [pb.Claim(claim_id=c.id, kind=c.kind, text=folder.text("claim", c.id), amount_fen=c.amount_fen) for c in folder.case.claims]

    def case(self, folder: CaseFolder, opens: Opens, persistence: Persistence) -> pb.Case:
        """The whole case but for its files and the cases merged into it."""
        case, entry = folder.case, folder.case.entry
        shown = pb.Case(
            case_id=case.id,
            case_number=entry.number,
            etag=str(case.version),
            stage=int(folder.stage),
            status=case.status,
            channel=entry.channel,
            source=entry.source,
            first_receiver_organ_id=entry.organ_id,
            registered_by=entry.registered_by,
            region_code=entry.region_code,
            place=folder.text("place"),
            occurred_on=entry.occurred_on.isoformat() if entry.occurred_on else "",
            facts=folder.text("facts"),
            category_hint=entry.category_hint,
            amount_fen=case.amount_fen,
            parties=[self.party(case, p, opens, case.standing(p, persistence)) for p in case.parties],
            claims=self.claims(folder),
            master_case_id=case.merge_state.master_case_id if case.merge_state and case.merge_state.state != "dropped" else "",
            history=case.result is not None,
            responsible_organ_id=folder.routing.holder_organ_id if folder.routing else "",
            exchange_id=entry.exchange_id,
            external_no=entry.external_no,
        )
        stamp(shown, "first_received_at", entry.received_at)
        stamp(shown, "registered_at", entry.registered_at)
        self._decided(shown, folder)
        return shown

    def _decided(self, shown: pb.Case, folder: CaseFolder) -> None:
        case = folder.case
        if case.classification is not None:
            c = case.classification
            shown.classification.CopyFrom(
                pb.Classification(
                    category=c.category,
                    category_detail=c.category_detail,
                    moj_type=c.moj_type,
                    mediable=c.mediable,
                    difficulty=c.difficulty,
                    scale=c.scale,
                    risk=c.risk,
                    flags=c.flags,
                    single_legal_relation=c.single_legal_relation,
                    classified_by=c.by,
                )
            )
            stamp(shown.classification, "classified_at", c.at)
        if case.correction is not None:
            shown.correction.CopyFrom(
                pb.Correction(items=case.correction.items, note=folder.text("correction_request"), state=case.correction.state)
            )
            stamp(shown.correction, "requested_at", case.correction.requested_at)
        for attempt in case.attempts:
            added = shown.consent_attempts.add(
                party_id=attempt.party_id,
                attempt=attempt.number,
                channel=attempt.channel,
                outcome=attempt.outcome,
                attempted_by=attempt.by,
                note=folder.text("consent_attempt", f"{attempt.party_id}/{attempt.number}"),
            )
            stamp(added, "attempted_at", attempt.at)


def file(row: Any) -> pb.CaseFile:
    """A file of a case."""
    shown = pb.CaseFile(
        file_id=row.file_id,
        name=row.name,
        kind=row.kind,
        confidentiality=row.confidentiality,
        party_id=row.party_id,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
    )
    stamp(shown, "attached_at", row.attached_at)
    return shown


def readable(row: Any, person_id: str, roles: frozenset[str]) -> bool:
    """Whether a reader of the case may read this file: what is not open only who brought it in and who handles cases."""
    return bool(row.confidentiality == OPEN or row.attached_by == person_id or roles & HANDLERS[row.confidentiality])


HANDLERS: Mapping[str, frozenset[str]] = {
    "one_party": frozenset(
        {
            "acceptance_window",
            "acceptance_clerk",
            "station_head",
            "village_mediator",
            "mediator",
            "professional_mediator",
            "stationed_staff",
            "dispatcher",
            "routing_deputy",
            "centre_director",
            "centre_deputy",
            "service:*",
        }
    ),
    "sealed": frozenset({"centre_director", "routing_deputy", "office_director"}),
}
"""Class of a file → roles that read it. A sealed file is for those who decide about it."""


def listed_names(case: Case) -> tuple[list[str], list[str]]:
    """Names of both sides for a list; a minor's is hidden (未成年人保护法 103)."""
    return ([_listed(p) for p in case.applicants], [_listed(p) for p in case.respondents])


def _listed(party: Party) -> str:
    return masking.name(party.name, minor=True) if party.is_minor else party.name
