"""Commands on a registered case. Each loads it with what the other services said, calls one method, and answers ids and codes."""

from datetime import datetime, timedelta

from tiaochu.intake.v1 import case_commands_pb2 as pb
from tiaochu_domainkit import text
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.codes import code_list
from tiaochu_intake.domain.case import Case
from tiaochu_intake.domain.classification import classify
from tiaochu_intake.domain.elsewhere import permit
from tiaochu_intake.domain.parties import check_party
from tiaochu_intake.domain.unmasking import Unmasking
from tiaochu_intake.usecases.attachments import Attachable, Attachments
from tiaochu_intake.usecases.documents import CASES, UNMASKINGS, elsewhere, with_copies
from tiaochu_intake.usecases.particulars import Sealer, kept, typed
from tiaochu_intake.usecases.ports import Policies, PolicySnapshot
from tiaochu_intake.usecases.registration import moment, note_text
from tiaochu_intake.usecases.staff_acts import note_staff_act
from tiaochu_kit.ids import new_id
from tiaochu_kit.usecase import Context, Work, command


def _open(work: Work, case_id: str, action: str) -> Case:
    """The case, if neither its own state nor what other services decided forbids the action."""
    case = work.get(CASES, case_id)
    permit(case, elsewhere(work, case_id), action)
    return case


class CaseCommands:
    """Everything that changes a case after it was registered, but for its files and its merging."""

    def __init__(self, sealer: Sealer, policies: Policies) -> None:
        self._sealer = sealer
        self._policies = policies

    async def _policy(self, _ctx: Context, _r: object) -> PolicySnapshot:
        return await self._policies.snapshot()

    @command(reads=lambda r: with_copies(r.case_id))
    def correct_party(self, work: Work, r: pb.CorrectPartyRequest) -> pb.CorrectPartyResponse:
        """Put corrected particulars in place of the stored ones; numbers left empty keep what is stored."""
        case = _open(work, r.case_id, "correct_party")
        stored = case.party(r.party.party_id)
        given = kept(typed(r.party), self._sealer.reopened(case.id, stored))
        applies = stored in case.applicants
        checked = check_party("party", given, beijing(work.now).date(), applies=applies)
        changed = case.correct_party(self._sealer.party(case.id, checked, new_id), work.now)
        if r.HasField("on_behalf_of"):
            note_staff_act(work, case, "correct_party", r.on_behalf_of)
        return pb.CorrectPartyResponse(case_id=case.id, etag=work.etag(case), fields=changed)

    @command(reads=lambda r: with_copies(r.case_id))
    def withdraw_application(self, work: Work, r: pb.WithdrawApplicationRequest) -> pb.WithdrawApplicationResponse:
        """One applicant withdraws."""
        case = _open(work, r.case_id, "withdraw_application")
        code_list("withdrawal_reason").check("reason", r.reason)
        remaining = case.withdraw_application(r.party_id, r.reason, work.now)
        _note(work, case, "withdrawal", r.party_id, r.note)
        if r.HasField("on_behalf_of"):
            note_staff_act(work, case, "withdraw_application", r.on_behalf_of)
        return pb.WithdrawApplicationResponse(case_id=case.id, etag=work.etag(case), remaining=remaining)

    @command(reads=lambda r: with_copies(r.case_id))
    def classify_case(self, work: Work, r: pb.ClassifyCaseRequest) -> pb.ClassifyCaseResponse:
        """Say what the dispute is."""
        case = _open(work, r.case_id, "classify_case")
        classification = classify(
            category=r.category,
            category_detail=r.category_detail,
            difficulty=r.difficulty,
            scale=r.scale,
            risk=r.risk,
            flags=tuple(r.flags),
            single_legal_relation=r.single_legal_relation,
            by=work.actor.id,
            at=work.now,
        )
        case.classify_case(classification, r.region_code, work.now)
        return pb.ClassifyCaseResponse(
            case_id=case.id, etag=work.etag(case), mediable=classification.mediable, moj_type=classification.moj_type
        )

    @command(reads=lambda r: [*with_copies(r.case_id), CASES.by_id(r.master_case_id)])
    def propose_merge(self, work: Work, r: pb.ProposeMergeRequest) -> pb.ProposeMergeResponse:
        """Propose that two entries are one dispute; routing decides."""
        case = _open(work, r.case_id, "propose_merge")
        case.propose_merge(work.get(CASES, r.master_case_id), work.now)
        return pb.ProposeMergeResponse(case_id=case.id, etag=work.etag(case))

    @command(reads=lambda r: with_copies(r.case_id))
    def request_correction(self, work: Work, r: pb.RequestCorrectionRequest) -> pb.RequestCorrectionResponse:
        """Ask for missing papers, once."""
        case = _open(work, r.case_id, "request_correction")
        case.request_correction(tuple(r.items), work.actor.id, work.now)
        _note(work, case, "correction_request", "", r.note)
        return pb.RequestCorrectionResponse(case_id=case.id, etag=work.etag(case))

    @command(reads=lambda r: with_copies(r.case_id), before=_policy)
    def record_consent_attempt(
        self, work: Work, r: pb.RecordConsentAttemptRequest, policies: PolicySnapshot
    ) -> pb.RecordConsentAttemptResponse:
        """Note one attempt to ask a party, and decide when all are decided."""
        case = _open(work, r.case_id, "record_consent_attempt")
        at = moment("attempted_at", r.attempted_at, work.now) if r.HasField("attempted_at") else work.now
        persistence = policies.on(case.district, work.now).persistence
        attempt = case.record_consent_attempt(r.party_id, r.channel, r.outcome, persistence, by=work.actor.id, at=at)
        _note(work, case, "consent_attempt", f"{attempt.party_id}/{attempt.number}", r.note)
        if r.HasField("on_behalf_of"):
            note_staff_act(work, case, "record_consent_attempt", r.on_behalf_of)
        return pb.RecordConsentAttemptResponse(case_id=case.id, etag=work.etag(case), attempt=attempt.number, concluded=case.consent)

    @command(reads=lambda r: [CASES.by_id(r.case_id)], before=_policy)
    def unmask_particulars(self, work: Work, r: pb.UnmaskParticularsRequest, policies: PolicySnapshot) -> pb.UnmaskParticularsResponse:
        """Permit the caller to see masked numbers for a short while; the permission is an event before it is of any use."""
        case = work.get(CASES, r.case_id)
        for party_id in r.party_ids:
            case.party(party_id)
        expires_at = work.now + timedelta(minutes=policies.on(case.district, work.now)["unmask_minutes"])
        given = work.add(
            UNMASKINGS,
            Unmasking.give(
                id=work.new_id(),
                district=case.district,
                case_id=case.id,
                person_id=work.actor.id,
                party_ids=tuple(r.party_ids),
                purpose=r.purpose,
                at=work.now,
                expires_at=expires_at,
            ),
        )
        return _unmasked(given.id, expires_at)


class FileCommands:
    """Commands that bring files into a case."""

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments

    async def _one(self, _ctx: Context, r: pb.AttachFileRequest) -> Attachable:
        return await self._attachments.one(r.case_id, r.file_id, r.kind, r.confidentiality, r.party_id, "file_id")

    async def _supplied(self, _ctx: Context, r: pb.SupplyCorrectionRequest) -> tuple[Attachable, ...]:
        return await self._attachments.of_case(r.case_id, list(r.file_ids))

    @command(reads=lambda r: with_copies(r.case_id), before=_one)
    def attach_file(self, work: Work, r: pb.AttachFileRequest, attachment: Attachable) -> pb.AttachFileResponse:
        """Make an uploaded file a part of the case."""
        case = _open(work, r.case_id, "attach_file")
        attachment.attach(work, case)
        if r.HasField("on_behalf_of"):
            note_staff_act(work, case, "attach_file", r.on_behalf_of)
        return pb.AttachFileResponse(case_id=case.id, etag=work.etag(case), file_id=r.file_id)

    @command(reads=lambda r: with_copies(r.case_id), before=_supplied)
    def supply_correction(
        self, work: Work, r: pb.SupplyCorrectionRequest, attachments: tuple[Attachable, ...]
    ) -> pb.SupplyCorrectionResponse:
        """The missing papers came."""
        case = _open(work, r.case_id, "supply_correction")
        case.supply_correction(work.now)
        for attachment in attachments:
            attachment.attach(work, case)
        _note(work, case, "correction_supply", "", r.note)
        if r.HasField("on_behalf_of"):
            note_staff_act(work, case, "supply_correction", r.on_behalf_of)
        return pb.SupplyCorrectionResponse(case_id=case.id, etag=work.etag(case))


def _note(work: Work, case: Case, kind: str, ref: str, note: str) -> None:
    """What was said, where anything was."""
    words = text.clean("note", note, 500)
    if words:
        note_text(work, case, kind, ref, words)


def _unmasked(ident: str, expires_at: datetime) -> pb.UnmaskParticularsResponse:
    response = pb.UnmaskParticularsResponse(unmasking_id=ident)
    response.expires_at.FromDatetime(expires_at)
    return response
