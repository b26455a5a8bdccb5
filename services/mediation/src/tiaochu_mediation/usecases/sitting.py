"""Commands on sessions: notices, safety, appointments, the record, suspension."""

from collections.abc import Sequence
from datetime import UTC, timedelta

from tiaochu.mediation.v1 import mediation_pb2
from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.dated import PerDistrict
from tiaochu_domainkit.text import clean
from tiaochu_kit.usecase import Context, Work, command
from tiaochu_mediation.domain.mediation import Mediation
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.domain.texts import TextRef
from tiaochu_mediation.usecases import texts
from tiaochu_mediation.usecases.acting import acted_on, on_behalf
from tiaochu_mediation.usecases.facts import facts_of
from tiaochu_mediation.usecases.moments import moment
from tiaochu_mediation.usecases.ports import Parties
from tiaochu_mediation.usecases.tables import CASE_FACTS, MEDIATIONS


class SittingCommands:
    """From the notice to the last session."""

    def __init__(self, parties: Parties, session_notice: PerDistrict[timedelta]) -> None:
        self._parties = parties
        self._session_notice = session_notice

    async def _roster(self, _ctx: Context, r: pb.AcknowledgeNoticeRequest | pb.ScheduleSessionRequest) -> Sequence[Seat]:
        return await self._parties.roster(r.case_id)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)], before=_roster)
    def acknowledge_notice(self, work: Work, r: pb.AcknowledgeNoticeRequest, roster: Sequence[Seat]) -> pb.AcknowledgeNoticeResponse:
        """A party was told its rights and duties, its identity was checked."""
        mediation = acted_on(work, r.case_id)
        mediation.acknowledge_notice(
            party_id=on_behalf(work, mediation, "acknowledge_notice", r.on_behalf_of),
            identity_check=r.on_behalf_of.identity_check,
            roster=roster,
            by=work.actor.id,
            at=moment(r, "acted_at", work.now),
        )
        return pb.AcknowledgeNoticeResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def record_safety_check(self, work: Work, r: pb.RecordSafetyCheckRequest) -> pb.RecordSafetyCheckResponse:
        """What a look at the danger found."""
        mediation = acted_on(work, r.case_id)
        check_id = work.new_id()
        note = texts.keep(work, mediation, texts.SAFETY, clean("note", r.note, 4000, min_chars=1), ref=check_id)
        mediation.record_safety_check(
            check_id=check_id, joint_allowed=r.joint_sessions_allowed, text_id=note.id, by=work.actor.id, at=work.now
        )
        return pb.RecordSafetyCheckResponse(
            case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, safety_check_id=check_id
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)], before=_roster)
    def schedule_session(self, work: Work, r: pb.ScheduleSessionRequest, roster: Sequence[Seat]) -> pb.ScheduleSessionResponse:
        """Appoint the next session, or move the one appointed."""
        mediation = acted_on(work, r.case_id)
        session_id = work.new_id()
        study = clean("study_note", r.study_note, 8000)
        session = mediation.schedule_session(
            session_id=session_id,
            starts_at=r.starts_at.ToDatetime(tzinfo=UTC),
            mode=r.mode,
            separate=r.separate,
            waiving=r.waiving_party_ids,
            study=texts.keep(work, mediation, texts.STUDY, study, ref=session_id) if study else None,
            facts=facts_of(work, mediation),
            roster=roster,
            notice=self._session_notice.at(mediation.district, beijing(work.now).date()),
            by=work.actor.id,
            at=work.now,
            place_text_id=texts.keep_if_any(work, mediation, texts.PLACE, clean("place", r.place, 200, lines=False), ref=session_id),
        )
        return pb.ScheduleSessionResponse(
            case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, session_id=session_id, number=session.number
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def approve_session(self, work: Work, r: pb.ApproveSessionRequest) -> pb.ApproveSessionResponse:
        """Allow a session beyond the second."""
        mediation = acted_on(work, r.case_id)
        reason = texts.keep(work, mediation, texts.APPROVAL, clean("reason", r.reason, 2000, min_chars=1))
        number = mediation.approve_session(text_id=reason.id, by=work.actor.id, at=work.now)
        return pb.ApproveSessionResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, number=number)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)])
    def hold_session(self, work: Work, r: pb.HoldSessionRequest) -> pb.HoldSessionResponse:
        """Record the appointed session. What was said apart becomes rows of its own, outside the record."""
        mediation = acted_on(work, r.case_id)
        session = mediation.hold_session(
            session_id=r.session_id,
            result=r.result,
            speakers=[s.party_id for s in r.statements],
            apart=[n.party_id for n in r.caucus_notes],
            signing=r.signing_party_ids,
            record=_record(work, mediation, r),
            facts=facts_of(work, mediation),
            by=work.actor.id,
            held_at=moment(r, "held_at", work.now),
        )
        for i, note in enumerate(r.caucus_notes):
            body = clean(f"caucus_notes[{i}].text", note.text, 4000, min_chars=1)
            texts.keep(work, mediation, texts.CAUCUS, body, ref=session.id, party_id=note.party_id)
        return pb.HoldSessionResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, session_id=session.id)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def suspend_mediation(self, work: Work, r: pb.SuspendMediationRequest) -> pb.SuspendMediationResponse:
        """中止."""
        mediation = acted_on(work, r.case_id)
        mediation.suspend(reason=r.reason, by=work.actor.id, at=work.now)
        texts.keep_if_any(work, mediation, texts.SUSPENSION, clean("note", r.note, 2000))
        return pb.SuspendMediationResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def resume_mediation(self, work: Work, r: pb.ResumeMediationRequest) -> pb.ResumeMediationResponse:
        """Go on."""
        mediation = acted_on(work, r.case_id)
        mediation.resume(reason=r.reason, by=work.actor.id, at=work.now)
        return pb.ResumeMediationResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status)


def _record(work: Work, mediation: Mediation, r: pb.HoldSessionRequest) -> TextRef:
    """The record (F6) with a statement a party, as one text."""
    content = {
        "facts": clean("facts", r.facts, 8000),
        "summary": clean("summary", r.summary, 8000, min_chars=1),
        "statements": [_statement(i, s) for i, s in enumerate(r.statements)],
        "signed_by": list(r.signing_party_ids),
    }
    return texts.keep(work, mediation, texts.RECORD, texts.structured(content), ref=r.session_id)


def _statement(i: int, statement: mediation_pb2.PartyText) -> dict[str, str]:
    return {"party_id": statement.party_id, "text": clean(f"statements[{i}].text", statement.text, 4000, min_chars=1)}
