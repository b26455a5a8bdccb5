"""Commands on the mediator: ChooseMediator, AcceptAssignment, DeclineAssignment, RaiseRecusal, DecideRecusal."""

from collections.abc import Sequence

from tiaochu.mediation.v1 import mediation_service_pb2 as pb
from tiaochu_domainkit.errors import invalid
from tiaochu_domainkit.text import clean
from tiaochu_kit.usecase import Context, Work, command
from tiaochu_mediation.domain.assignment import Relation
from tiaochu_mediation.domain.participants import Seat
from tiaochu_mediation.usecases import texts
from tiaochu_mediation.usecases.acting import acted_on, on_behalf
from tiaochu_mediation.usecases.ports import Mediators, Parties
from tiaochu_mediation.usecases.tables import MEDIATIONS


class AssigningCommands:
    """Who mediates."""

    def __init__(self, parties: Parties, mediators: Mediators) -> None:
        self._parties = parties
        self._mediators = mediators

    async def _known_mediator(self, ctx: Context, r: pb.ChooseMediatorRequest) -> None:
        if not await self._mediators.in_post(ctx, r.mediator_id):
            raise invalid("mediator_id", "MEDIATOR_UNKNOWN", "该人员没有调解员岗位")

    async def _roster(self, _ctx: Context, r: pb.RaiseRecusalRequest) -> Sequence[Seat]:
        return await self._parties.roster(r.case_id)

    async def _roster_for_relations(self, _ctx: Context, r: pb.AcceptAssignmentRequest) -> Sequence[Seat]:
        return await self._parties.roster(r.case_id) if r.relations else ()

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)], before=_known_mediator)
    def choose_mediator(self, work: Work, r: pb.ChooseMediatorRequest, _known: None) -> pb.ChooseMediatorResponse:
        """The parties' choice, else the ranking's."""
        mediation = acted_on(work, r.case_id)
        assignment_id = work.new_id()
        mediation.choose_mediator(
            assignment_id=assignment_id, mediator_id=r.mediator_id, chosen_by=r.chosen_by, by=work.actor.id, at=work.now
        )
        return pb.ChooseMediatorResponse(
            case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, assignment_id=assignment_id
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)], before=_roster_for_relations)
    def accept_assignment(self, work: Work, r: pb.AcceptAssignmentRequest, roster: Sequence[Seat]) -> pb.AcceptAssignmentResponse:
        """Accept and disclose."""
        mediation = acted_on(work, r.case_id)
        mediation.accept_assignment(
            relations=[Relation(x.kind, x.party_id) for x in r.relations],
            consenting=r.consenting_party_ids,
            disclosure_text_id=texts.keep_if_any(work, mediation, texts.DISCLOSURE, clean("note", r.note, 2000)),
            roster=roster,
            by=work.actor.id,
            at=work.now,
        )
        return pb.AcceptAssignmentResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def decline_assignment(self, work: Work, r: pb.DeclineAssignmentRequest) -> pb.DeclineAssignmentResponse:
        """Decline, or step back."""
        mediation = acted_on(work, r.case_id)
        mediation.decline_assignment(reason=r.reason, by=work.actor.id, at=work.now)
        return pb.DeclineAssignmentResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status)

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)], before=_roster)
    def raise_recusal(self, work: Work, r: pb.RaiseRecusalRequest, roster: Sequence[Seat]) -> pb.RaiseRecusalResponse:
        """A party asks that the mediator withdraw."""
        mediation = work.get(MEDIATIONS, r.case_id)
        recusal_id = work.new_id()
        party_id = on_behalf(work, mediation, "raise_recusal", r.on_behalf_of)
        texts.keep_if_any(work, mediation, texts.RECUSAL, clean("reason", r.reason, 2000), ref=recusal_id, party_id=party_id)
        replaced = mediation.raise_recusal(
            recusal_id=recusal_id, mediator_id=r.mediator_id, party_id=party_id, roster=roster, by=work.actor.id, at=work.now
        )
        return pb.RaiseRecusalResponse(
            case_id=mediation.id, etag=work.etag(mediation), status=mediation.status, recusal_id=recusal_id, replaced=replaced
        )

    @command(reads=lambda r: [MEDIATIONS.by_id(r.case_id)])
    def decide_recusal(self, work: Work, r: pb.DecideRecusalRequest) -> pb.DecideRecusalResponse:
        """The head of the committee decides."""
        mediation = acted_on(work, r.case_id)
        reason = clean("reason", r.reason, 2000, min_chars=1)
        mediation.decide_recusal(recusal_id=r.recusal_id, replaced=r.replaced, by=work.actor.id, at=work.now)
        texts.keep(work, mediation, texts.RECUSAL, reason, ref=r.recusal_id)
        return pb.DecideRecusalResponse(case_id=mediation.id, etag=work.etag(mediation), status=mediation.status)
