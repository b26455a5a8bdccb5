"""What the other services' news does to the facts and the responsibility of a case."""

from typing import Any

from tiaochu_kit.usecase import Event, Work, reaction
from tiaochu_routing.domain.case_facts import CaseFacts, MergeProposal
from tiaochu_routing.domain.mediation_facts import MediationFacts
from tiaochu_routing.domain.organs import Unit
from tiaochu_routing.domain.responsibility import DECLINED, OFFERED, Responsibility
from tiaochu_routing.usecases.tables import CASE_FACTS, MEDIATION_FACTS, ORGANS, RESPONSIBILITIES

_INTAKE = "tiaochu.intake.events.v1"
_MEDIATION = "tiaochu.mediation.events.v1"
_ROUTING = "tiaochu.routing.events.v1"

NAME_LEAD = "name_lead"
"""The durable call that names the lead after a classification."""


class IntakeReactions:
    """Copies the intake's facts, starts the responsibility, has the lead named."""

    @reaction(
        f"{_INTAKE}.CaseRegistered",
        reads=lambda e: [
            CASE_FACTS.by_id(e.body.case_id),
            RESPONSIBILITIES.by_id(e.body.case_id),
            MEDIATION_FACTS.by_id(e.body.case_id),
            ORGANS.by_id(e.body.first_receiver_organ_id),
        ],
        copies=CASE_FACTS,
    )
    def registered(self, work: Work, e: Event[Any]) -> None:
        """The first receiver is responsible since the registration was recorded (首接责任)."""
        facts = _facts(work, e)
        facts.case_number, facts.channel, facts.region_code = e.body.case_number, e.body.channel, facts.region_code or e.body.region_code
        facts.docking_mode = e.body.docking_mode
        facts.docking = e.body.channel if e.body.exchange_id or e.body.docking_mode else ""
        facts.history, facts.registered_at = e.body.history, e.recorded_at
        if work.find(RESPONSIBILITIES, e.body.case_id) is not None:
            return
        organ = work.find(ORGANS, e.body.first_receiver_organ_id)
        tier = organ.latest.tier if organ else ""
        receiver = Unit(e.body.first_receiver_organ_id, e.body.first_receiver_organ_path, tier)
        case = work.add(RESPONSIBILITIES, Responsibility.start(e.body.case_id, e.district, receiver, e.recorded_at, e.occurred_at))
        ended = work.find(MEDIATION_FACTS, e.body.case_id)
        if ended is not None and ended.ended_at is not None:
            case.end(ended.ended_as, ended.ended_at)

    @reaction(f"{_INTAKE}.CaseClassified", reads=lambda e: [CASE_FACTS.by_id(e.body.case_id)], copies=CASE_FACTS)
    def classified(self, work: Work, e: Event[Any]) -> None:
        """Lead and co-units follow from the rules, which are looked up outside the batch."""
        facts = _facts(work, e)
        facts.category, facts.mediable, facts.difficulty, facts.risk = e.body.category, e.body.mediable, e.body.difficulty, e.body.risk
        facts.flags, facts.single_legal_relation = list(e.body.flags), e.body.single_legal_relation
        facts.region_code = e.body.region_code or facts.region_code
        facts.classified_at = e.occurred_at
        work.call(NAME_LEAD, e.body.case_id, e.district)

    @reaction(
        f"{_INTAKE}.ConsentConcluded",
        f"{_INTAKE}.CorrectionRequested",
        f"{_INTAKE}.CorrectionSupplied",
        f"{_INTAKE}.CorrectionLapsed",
        f"{_INTAKE}.ApplicationWithdrawn",
        f"{_INTAKE}.MergeProposed",
        f"{_INTAKE}.MergeDropped",
        reads=lambda e: [CASE_FACTS.by_id(e.body.case_id)],
        copies=CASE_FACTS,
    )
    def told(self, work: Work, e: Event[Any]) -> None:
        """The slice of the intake."""
        facts = _facts(work, e)
        match e.type.rpartition(".")[2]:
            case "ConsentConcluded":
                facts.consent = e.body.outcome
            case "CorrectionRequested":
                facts.correction_open = True
            case "CorrectionSupplied" | "CorrectionLapsed":
                facts.correction_open = False
            case "ApplicationWithdrawn":
                facts.withdrawn = True
            case "MergeProposed":
                facts.merge = MergeProposal(e.id, e.body.master_case_id)
            case _:
                facts.merge = None

    @reaction(f"{_INTAKE}.HistoryResultRecorded", reads=lambda e: [RESPONSIBILITIES.by_id(e.body.case_id)])
    def finished_long_ago(self, work: Work, e: Event[Any]) -> None:
        """A finished case of an old register: there is nothing to hand over."""
        case = work.find(RESPONSIBILITIES, e.body.case_id)
        if case is not None and "end" in case.allowed_commands():
            case.end("history", e.occurred_at)


class MediationReactions:
    """Ends the responsibility when the case is closed, or when it ended before anybody accepted it."""

    @reaction(
        f"{_MEDIATION}.CaseClosed",
        f"{_MEDIATION}.MediationTerminated",
        reads=lambda e: [RESPONSIBILITIES.by_id(e.body.case_id), MEDIATION_FACTS.by_id(e.body.case_id)],
        copies=MEDIATION_FACTS,
    )
    def ended(self, work: Work, e: Event[Any]) -> None:
        """After a mediation that was begun the responsible unit still owes the follow-up; the end is `CaseClosed`."""
        terminated = e.type.endswith("MediationTerminated")
        if terminated and not e.body.before_acceptance:
            return
        facts = work.find(MEDIATION_FACTS, e.body.case_id) or work.add(
            MEDIATION_FACTS, MediationFacts(id=e.body.case_id, district=e.district)
        )
        if facts.ended_as:
            return
        facts.ended_as, facts.ended_at = "terminated" if terminated else e.body.result, e.occurred_at
        case = work.find(RESPONSIBILITIES, e.body.case_id)
        if case is not None and "end" in case.allowed_commands():
            case.end(facts.ended_as, e.occurred_at)


class OwnReactions:
    """What routing's own news does to its own cases."""

    @reaction(f"{_ROUTING}.CaseDeclined", reads=lambda e: [RESPONSIBILITIES.by_id(e.body.case_id)])
    def declined(self, work: Work, e: Event[Any]) -> None:
        """With the notice served nothing is left to do: the case is closed (45 → 95), by the service that ended it."""
        case = work.find(RESPONSIBILITIES, e.body.case_id)
        if case is not None and case.status == DECLINED:
            case.end("declined", e.occurred_at)

    @reaction(f"{_ROUTING}.ClockExpired", reads=lambda e: [RESPONSIBILITIES.by_id(e.body.case_id)])
    def expired(self, work: Work, e: Event[Any]) -> None:
        """Nobody signed in time: the upper unit must designate."""
        case = work.find(RESPONSIBILITIES, e.body.case_id)
        if e.body.rule_code != "SIGN_TRANSFER" or case is None:
            return
        if case.status == OFFERED and case.pending is not None and case.pending.id == e.body.ref_id:
            case.expire_transfer(e.body.ref_id, e.occurred_at)


def _facts(work: Work, e: Event[Any]) -> CaseFacts:
    found = work.find(CASE_FACTS, e.body.case_id)
    return found or work.add(CASE_FACTS, CaseFacts(id=e.body.case_id, district=e.district))
