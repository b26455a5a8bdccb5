"""Commands after it binds: RequestConfirmation, RecordPerformance."""

from typing import Any

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.calendar import published
from tiaochu_domainkit.clocks import beijing
from tiaochu_domainkit.quantities import money_fen, past_date
from tiaochu_kit.usecase import Work, command
from tiaochu_mediation.usecases.acting import acted_on
from tiaochu_mediation.usecases.facts import facts_of
from tiaochu_mediation.usecases.tables import CASE_FACTS, MEDIATIONS


class PerformingCommands:
    """Confirmed, kept."""

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id), CASE_FACTS.by_id(r.case_id)])
    def request_confirmation(self, work: Work, r: pb.RequestConfirmationRequest) -> pb.RequestConfirmationResponse:
        """Apply jointly to the court."""
        mediation = acted_on(work, r.case_id)
        confirmation = mediation.request_confirmation(
            confirmation_id=work.new_id(),
            agreement_id=r.agreement_id,
            agency_id=r.agency_id,
            applying=r.applying_party_ids,
            identity=facts_of(work, mediation).touches_identity,
            calendar=published(),
            by=work.actor.id,
            at=work.now,
        )
        return pb.RequestConfirmationResponse(
            case_id=mediation.id,
            etag=work.etag(mediation),
            status=mediation.status,
            confirmation_id=confirmation.id,
            obligation_ids=confirmation.obligation_ids,
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def record_performance(self, work: Work, r: pb.RecordPerformanceRequest) -> pb.RecordPerformanceResponse:
        """Note what was performed."""
        mediation = acted_on(work, r.case_id)
        performance_id = work.new_id()
        entry: dict[str, Any] = {
            "amount_fen": money_fen("amount", r.amount) if r.amount else 0,
            "performed_on": past_date("performed_on", r.performed_on, beijing(work.now).date()),
        }
        done = mediation.record_performance(
            agreement_id=r.agreement_id, obligation_id=r.obligation_id, complete=r.complete, by=work.actor.id, at=work.now, **entry
        )
        work.insert(
            "performances",
            {
                "id": performance_id,
                "case_id": mediation.id,
                "district": mediation.district,
                "agreement_id": r.agreement_id,
                "obligation_id": r.obligation_id,
                **entry,
                "late": done.late,
                "proof_file_id": r.proof_file_id,
                "confirmed_by_obligee": r.confirmed_by_obligee,
                "recorded_by": work.actor.id,
                "recorded_at": work.now,
            },
        )
        return pb.RecordPerformanceResponse(
            case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, performance_id=performance_id, complete=done.entirely
        )
