"""Queries: the mediation, its agreement, sessions and records, for those who may see the case."""

from tiaochu.mediation.v1 import mediation_pb2 as shown
from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.errors import not_found
from tiaochu_kit.usecase import Context, query
from tiaochu_mediation.domain.confidence import may_read_caucus_note
from tiaochu_mediation.domain.session import Session
from tiaochu_mediation.usecases import views
from tiaochu_mediation.usecases.ports import KeptText, Reads
from tiaochu_mediation.usecases.texts import parts


class MediationQueries:
    """Every query reads the mediation first: whoever may not see the case gets `NOT_FOUND`, whatever he asks for."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    @query
    async def get_mediation(self, ctx: Context, r: pb.GetMediationRequest) -> pb.GetMediationResponse:
        """The mediation without texts."""
        return pb.GetMediationResponse(mediation=views.mediation(await self._reads.mediation(ctx, r.case_id)))

    @query
    async def get_agreement(self, ctx: Context, r: pb.GetAgreementRequest) -> pb.GetAgreementResponse:
        """One agreement, the newest unless named, with its words."""
        mediation = await self._reads.mediation(ctx, r.case_id)
        if not mediation.agreements:
            raise not_found("agreement", r.agreement_id)
        agreement = mediation.agreement(r.agreement_id or mediation.agreements[-1].id)
        words = (await self._reads.texts(ctx, [agreement.text_id]))[agreement.text_id]
        facts = await self._reads.facts(ctx, r.case_id)
        identity = agreement.settles_identity or (facts is not None and facts.touches_identity)
        ledger = await self._reads.performances(ctx, agreement.id)
        shown_agreement = views.agreement(mediation, agreement, parts(words.body), ledger, published(), identity=identity)
        return pb.GetAgreementResponse(agreement=shown_agreement)

    @query
    async def list_sessions(self, ctx: Context, r: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
        """The sessions, oldest first."""
        mediation = await self._reads.mediation(ctx, r.case_id)
        return pb.ListSessionsResponse(sessions=[views.session(s) for s in mediation.sessions])

    @query
    async def get_session_record(self, ctx: Context, r: pb.GetSessionRecordRequest) -> pb.GetSessionRecordResponse:
        """The record, and of what was said apart only what this reader may know."""
        mediation = await self._reads.mediation(ctx, r.case_id)
        session = next((s for s in mediation.held if s.id == r.session_id), None)
        if session is None:
            raise not_found("session", r.session_id)
        record = (await self._reads.texts(ctx, [session.record_text_id]))[session.record_text_id]
        notes = await self._reads.caucus_notes(ctx, session.id)
        mine = [n for n in notes if may_read_caucus_note(mediation, n.party_id, ctx.principal.id)]
        return pb.GetSessionRecordResponse(record=_record(session, record, mine))

    @query
    async def get_termination_notice(self, ctx: Context, r: pb.GetTerminationNoticeRequest) -> pb.GetTerminationNoticeResponse:
        """The notice of remedies as it was served."""
        mediation = await self._reads.mediation(ctx, r.case_id)
        if mediation.termination is None:
            raise not_found("termination notice", r.case_id)
        notice = mediation.termination.notice
        text = (await self._reads.texts(ctx, [notice.text_id]))[notice.text_id]
        return pb.GetTerminationNoticeResponse(
            text=text.body, version=notice.version, sha256=notice.sha256, ground=mediation.termination.ground
        )


def _record(session: Session, record: KeptText, notes: list[KeptText]) -> shown.SessionRecord:
    content = parts(record.body)
    return shown.SessionRecord(
        session_id=session.id,
        number=session.number,
        result=session.result,
        held_at=views.instant(session.held_at),
        facts=content["facts"],
        summary=content["summary"],
        statements=[shown.PartyText(party_id=s["party_id"], text=s["text"]) for s in content["statements"]],
        caucus_notes=[shown.PartyText(party_id=n.party_id, text=n.body) for n in notes],
        record_sha256=session.record_sha256,
        signing_party_ids=content.get("signed_by", []),
    )
