"""Commands that end it: TerminateMediation, RecordFollowUp, CloseCase."""

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.text import clean
from tiaochu_kit.usecase import Work, command
from tiaochu_mediation.domain.ending import PARTY_ENDS
from tiaochu_mediation.usecases import texts
from tiaochu_mediation.usecases.acting import acted_on, on_behalf
from tiaochu_mediation.usecases.facts import facts_of
from tiaochu_mediation.usecases.moments import moment
from tiaochu_mediation.usecases.notices import Notices
from tiaochu_mediation.usecases.tables import CASE_FACTS, MEDIATIONS


class ClosingCommands:
    """How it ends."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)])
    def terminate_mediation(self, work: Work, r: pb.TerminateMediationRequest) -> pb.TerminateMediationResponse:
        """End it, and tell the ways that stay open."""
        mediation = work.get(MEDIATIONS, r.case_id) if r.ground in PARTY_ENDS else acted_on(work, r.case_id)
        at = moment(r, "acted_at", work.now)
        notice = self._notices.serve(work, mediation, facts_of(work, mediation), at)
        mediation.terminate(
            ground=r.ground,
            notice=notice,
            by=work.actor.id,
            at=at,
            party_id=on_behalf(work, mediation, "terminate", r.on_behalf_of),
            note_text_id=texts.keep_if_any(work, mediation, texts.TERMINATION, clean("note", r.note, 2000)),
        )
        return pb.TerminateMediationResponse(
            case_id=mediation.id,
            etag=work.etag(mediation),
            status=mediation.status,
            remedies_version=notice.version,
            notice_text_id=notice.text_id,
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def record_follow_up(self, work: Work, r: pb.RecordFollowUpRequest) -> pb.RecordFollowUpResponse:
        """A visit or call."""
        mediation = acted_on(work, r.case_id)
        follow_up_id = work.new_id()
        mediation.record_follow_up(
            follow_up_id=follow_up_id,
            side=r.side,
            satisfaction=r.satisfaction,
            performance=r.performance,
            residual_risk=r.residual_risk,
            by=work.actor.id,
            at=moment(r, "acted_at", work.now),
            text_id=texts.keep_if_any(work, mediation, texts.FOLLOW_UP, clean("note", r.note, 4000), ref=follow_up_id),
        )
        return pb.RecordFollowUpResponse(
            case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, follow_up_id=follow_up_id
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def close_case(self, work: Work, r: pb.CloseCaseRequest) -> pb.CloseCaseResponse:
        """结案."""
        mediation = acted_on(work, r.case_id)
        result = mediation.close(court_route=r.court_route, by=work.actor.id, at=work.now)
        return pb.CloseCaseResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, result=result)
